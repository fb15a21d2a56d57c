/*
 * One token request on its way, shared by the rooms of the focus: focus (everybody's), proxied (our
 * homeserver's) and job (what both end with).  Only src/livekit includes this.  Thread: main.
 */
#ifndef LIVEKIT_JOB_H
#define LIVEKIT_JOB_H

#include "livekit/ask.h"
#include "livekit/focus.h"

#include <stdbool.h>
#include <stdint.h>

struct http_limit;
struct http_request;
struct lk_job;

/** What becomes of an admitted job: "joined", "unknown" or "unchecked". */
typedef void lk_job_then(struct lk_job *j, const char *membership);
/** Goes on with a job whose room is known. */
typedef void lk_job_ready(struct lk_job *j);

struct lk_focus {
    struct lk_focus_config cfg;
    struct http_limit *addresses;
    struct http_limit *users;
    struct lk_job *jobs;
    size_t n_jobs;
    bool stopped;
};

struct lk_job {
    struct lk_job *prev, *next;
    struct lk_focus *focus;
    struct http_request *request;
    struct lk_ask ask;
    const char *user_id; /* verified; NULL = not yet */
    const char *server;  /* the user's; NULL = not yet */
    bool full_access;
    bool can_publish;
    bool jwt_only; /* the answer has no url */
    lk_job_then *then;
    const char *membership; /* admitted: what is known of it */
    const char *alias;      /* admitted: in the SFU; likewise the next */
    const char *identity;
    const char *url; /* where the client is sent */
    lk_job_ready *ready;
};

/** Within the limits of the sender's address, and with a readable body: gives a job, else the
 * request is answered and this is NULL. */
struct lk_job *lk_job_begin(struct lk_focus *f, struct http_request *r, enum lk_dialect d);
/** The user is verified: notes them, in memory of the request. False: answered with a refusal. */
bool lk_job_know_user(struct lk_job *j, const char *user_id, bool full_access);
/** Asks for admission, then calls `then`, which takes the job, with what is known of the
 * membership; or refuses. `with_server` NULL = none; strict as in lk_admission_question. */
void lk_job_admit(struct lk_job *j, const char *with_server, bool strict, lk_job_then *then);
/** Makes the room, notes who it is, takes the delayed leave where there is one; then signs a token
 * and answers. Takes the job. */
void lk_job_issue(struct lk_job *j, const char *membership);
/** Finds the node for the job's alias, notes its url and makes the room, then calls `ready`; or
 * refuses. Takes the job. */
void lk_job_find_room(struct lk_job *j, lk_job_ready *ready);
/** Takes the delayed leave, and answers {}. Takes the job. */
void lk_job_delegate(struct lk_job *j, const char *membership);
/** Answers a relayed token, which another server made. Takes the job. */
void lk_job_relay(struct lk_job *j, const char *jwt);
/** Answers with a refusal. `problem` is for logs and audit rows; NULL = nothing more. Takes the
 * job.
 */
void lk_job_refuse(struct lk_job *j, enum lk_refusal r, const char *problem);

void lk_job_register_metrics(void);

#endif
