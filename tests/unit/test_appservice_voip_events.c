/* Legacy calls: every field of every event, missing, of the wrong type, at its limit. */
#include "appservice/voip_events.h"

#include "appservice_say.h"

struct row {
    const char *name;
    const char *type;
    const char *content;
    const char *want;
};

#define V1     "'call_id':'c1','party_id':'P','version':'1'"
#define AUDIO  "{'type':'offer','sdp':'v=0\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\n'}"
#define VIDEO  "{'type':'offer','sdp':'v=0\\r\\nm=video 9 UDP/TLS/RTP/SAVPF 96\\r\\n'}"
#define INVITE "invite call=c1 party=P v=1 life=60000"

static void check_rows(const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ROW(rows[i].name);
        check_content(rows[i].type, NULL, NULL, rows[i].content, rows[i].want);
    }
}

TEST(appservice_voip_events, reads_what_every_call_event_has) {
    static const struct row rows[] = {
        { "version 1", "m.call.hangup", "{" V1 "}", "hangup call=c1 party=P v=1" },
        { "version 0 is an integer", "m.call.hangup", "{'call_id':'c1','party_id':'P','version':0}",
            "hangup call=c1 party= v=0" },
        { "no version is version 0", "m.call.hangup", "{'call_id':'c1'}",
            "hangup call=c1 party= v=0" },
        { "integer 1", "m.call.hangup", "{'call_id':'c1','party_id':'P','version':1}",
            "hangup call=c1 party=P v=1" },
        { "text 0", "m.call.hangup", "{'call_id':'c1','party_id':'P','version':'0'}",
            "hangup call=c1 party=P v=1" },
        { "version is an object", "m.call.hangup", "{'call_id':'c1','party_id':'P','version':{}}",
            "hangup call=c1 party=P v=1" },
        { "version 1 without a party", "m.call.hangup", "{'call_id':'c1','version':'1'}",
            "hangup call=c1 party= v=1" },
        { "no call id", "m.call.hangup", "{'party_id':'P','version':'1'}",
            "malformed content.call_id: want a string, got nothing" },
        { "call id null", "m.call.hangup", "{'call_id':null}",
            "malformed content.call_id: want a string, got nothing" },
        { "call id is a number", "m.call.hangup", "{'call_id':7}",
            "malformed content.call_id: want a string, got a number" },
        { "call id is empty", "m.call.hangup", "{'call_id':''}",
            "malformed content.call_id: want a string of 1 to 255 bytes, got 0" },
        { "call id with NUL", "m.call.hangup", "{'call_id':'c\\u0000d'}",
            "malformed content.call_id: a string must not hold NUL" },
        { "party is a list", "m.call.hangup", "{'call_id':'c1','party_id':[],'version':'1'}",
            "malformed content.party_id: want a string, got a list" },
        { "no content", "m.call.hangup", "null", "malformed content: want an object, got nothing" },
        { "content is a list", "m.call.hangup", "[]",
            "malformed content: want an object, got a list" },
    };
    check_rows(rows, COUNT_OF(rows));
}

TEST(appservice_voip_events, reads_invites) {
    static const struct row rows[] = {
        { "audio", "m.call.invite", "{" V1 ",'lifetime':60000,'offer':" AUDIO "}",
            INVITE " audio !people" },
        { "video", "m.call.invite", "{" V1 ",'lifetime':60000,'offer':" VIDEO "}",
            INVITE " video !people" },
        { "lifetime is missing", "m.call.invite", "{" V1 ",'offer':" AUDIO "}",
            INVITE " audio !people" },
        { "lifetime too short", "m.call.invite", "{" V1 ",'lifetime':999,'offer':{}}",
            "invite call=c1 party=P v=1 life=1000 !people" },
        { "lifetime negative", "m.call.invite", "{" V1 ",'lifetime':-9007199254740993,'offer':{}}",
            "invite call=c1 party=P v=1 life=1000 !people" },
        { "lifetime too long", "m.call.invite", "{" V1 ",'lifetime':600001,'offer':{}}",
            "invite call=c1 party=P v=1 life=600000 !people" },
        { "lifetime beyond all numbers", "m.call.invite", "{" V1 ",'lifetime':1e300,'offer':{}}",
            "invite call=c1 party=P v=1 life=600000 !people" },
        { "lifetime with a fraction", "m.call.invite", "{" V1 ",'lifetime':2000.9,'offer':{}}",
            "invite call=c1 party=P v=1 life=2000 !people" },
        { "lifetime is a boolean", "m.call.invite", "{" V1 ",'lifetime':true,'offer':{}}",
            "malformed content.lifetime: want a number, got a boolean" },
        { "lifetime is a text", "m.call.invite", "{" V1 ",'lifetime':'60000','offer':{}}",
            "malformed content.lifetime: want a number, got a string" },
        { "an invitee", "m.call.invite", "{" V1 ",'invitee':'@bob:example.com','offer':" AUDIO "}",
            "invite call=c1 party=P v=1 life=60000 invitee=@bob:example.com audio !people" },
        { "an invitee that is nobody", "m.call.invite", "{" V1 ",'invitee':'bob','offer':{}}",
            "malformed content.invitee: want a user id, got a string" },
        { "no offer", "m.call.invite", "{" V1 "}",
            "malformed content.offer: want an object, got nothing" },
        { "offer is a text", "m.call.invite", "{" V1 ",'offer':'v=0'}",
            "malformed content.offer: want an object, got a string" },
        { "description is a number", "m.call.invite", "{" V1 ",'offer':{'sdp':0}}",
            "malformed content.offer.sdp: want a string, got a number" },
        { "capabilities are not ours", "m.call.invite",
            "{" V1 ",'capabilities':{'m.call.dtmf':true},'offer':" AUDIO "}",
            INVITE " audio !people" },
        { "streams", "m.call.invite",
            "{" V1 ",'offer':" AUDIO ",'sdp_stream_metadata':{'s':{'purpose':'m.usermedia',"
            "'audio_muted':false,'video_muted':true}}}",
            INVITE " audio streams video_muted !people" },
        { "streams are a list", "m.call.invite",
            "{" V1 ",'offer':" AUDIO ",'sdp_stream_metadata':[]}",
            "malformed content.sdp_stream_metadata: want an object, got a list" },
    };
    check_rows(rows, COUNT_OF(rows));
}

TEST(appservice_voip_events, asks_for_people_only_while_it_may_ring) {
    static const struct {
        const char *name;
        const char *more;
        bool reconciled;
        const char *want;
    } rows[] = {
        { "fresh", "", false, INVITE " !people" },
        { "age at the lifetime", "'unsigned':{'age':60000},", false, INVITE " !people" },
        { "older than its lifetime", "'unsigned':{'age':60001},", false, INVITE },
        { "soft-failed", "'unsigned':{'io.element.synapse.soft_failed':true},", false,
            INVITE " ignored" },
        { "refused by a policy server",
            "'unsigned':{'io.element.synapse.policy_server_spammy':true},", false,
            INVITE " ignored" },
        { "from room state", "", true, INVITE " reconciled" },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        json_t *event = say_event("m.call.invite", NULL, r->more, "{" V1 ",'offer':{}}");
        check_event(&say_config, event, r->reconciled, r->want);
        json_decref(event);
    }
}

TEST(appservice_voip_events, reads_the_answers_side) {
    static const struct row rows[] = {
        { "answer", "m.call.answer", "{" V1 ",'answer':" VIDEO "}",
            "answer call=c1 party=P v=1 video" },
        { "answer of version 0", "m.call.answer", "{'call_id':'c1','version':0,'answer':" AUDIO "}",
            "answer call=c1 party= v=0 audio" },
        { "no answer in it", "m.call.answer", "{" V1 "}",
            "malformed content.answer: want an object, got nothing" },
        { "select", "m.call.select_answer", "{" V1 ",'selected_party_id':'Q'}",
            "select_answer call=c1 party=P v=1 selected=Q" },
        { "select of version 0's party", "m.call.select_answer", "{" V1 ",'selected_party_id':''}",
            "select_answer call=c1 party=P v=1 selected=" },
        { "select nobody", "m.call.select_answer", "{" V1 "}",
            "malformed content.selected_party_id: want a string, got nothing" },
        { "reject", "m.call.reject", "{" V1 "}", "reject call=c1 party=P v=1" },
        { "reject with Dart's reason", "m.call.reject", "{" V1 ",'reason':'busy'}",
            "reject call=c1 party=P v=1 reason=busy" },
    };
    check_rows(rows, COUNT_OF(rows));
}

TEST(appservice_voip_events, never_misses_a_hangup_for_its_reason) {
    static const struct row rows[] = {
        { "a reason", "m.call.hangup", "{" V1 ",'reason':'ice_failed'}",
            "hangup call=c1 party=P v=1 reason=ice_failed" },
        { "a number", "m.call.hangup", "{" V1 ",'reason':3}",
            "hangup call=c1 party=P v=1 reason=unknown_error" },
        { "a NUL", "m.call.hangup", "{" V1 ",'reason':'a\\u0000'}",
            "hangup call=c1 party=P v=1 reason=unknown_error" },
        { "64 bytes", "m.call.hangup",
            "{" V1 ",'reason':'0123456789012345678901234567890123456789012345678901234567890123'}",
            "hangup call=c1 party=P v=1 "
            "reason=0123456789012345678901234567890123456789012345678901234567890123" },
        { "cut between characters", "m.call.hangup",
            "{" V1 ",'reason':'012345678901234567890123456789012345678901234567890123456789012"
            "\xc3\xa4\xc3\xa4'}",
            "hangup call=c1 party=P v=1 "
            "reason=012345678901234567890123456789012345678901234567890123456789012" },
    };
    check_rows(rows, COUNT_OF(rows));
}

TEST(appservice_voip_events, reads_what_changes_a_call) {
    static const struct row rows[] = {
        { "negotiate", "m.call.negotiate", "{" V1 ",'lifetime':60000,'description':" VIDEO "}",
            "negotiate call=c1 party=P v=1 video description=offer" },
        { "rollback has no description", "m.call.negotiate",
            "{" V1 ",'description':{'type':'rollback','sdp':''}}",
            "negotiate call=c1 party=P v=1 description=rollback" },
        { "negotiate nothing", "m.call.negotiate", "{" V1 "}",
            "malformed content.description: want an object, got nothing" },
        { "description type is a number", "m.call.negotiate", "{" V1 ",'description':{'type':1}}",
            "malformed content.description.type: want a string, got a number" },
        { "metadata", "m.call.sdp_stream_metadata_changed",
            "{" V1 ",'sdp_stream_metadata':{'a':{'purpose':'m.usermedia','audio_muted':true},"
            "'b':{'purpose':'m.screenshare'}}}",
            "metadata call=c1 party=P v=1 streams audio_muted screen" },
        { "metadata, both names unstable", "org.matrix.call.sdp_stream_metadata_changed",
            "{" V1 ",'org.matrix.msc3077.sdp_stream_metadata':{'a':{'purpose':'m.usermedia',"
            "'video_muted':true}}}",
            "metadata call=c1 party=P v=1 streams video_muted" },
        { "one of two microphones is live", "m.call.sdp_stream_metadata_changed",
            "{" V1 ",'sdp_stream_metadata':{'a':{'purpose':'m.usermedia','audio_muted':true},"
            "'b':{'purpose':'m.usermedia','audio_muted':false}}}",
            "metadata call=c1 party=P v=1 streams" },
        { "streams nobody understands", "m.call.sdp_stream_metadata_changed",
            "{" V1 ",'sdp_stream_metadata':{'a':null,'b':{},'c':{'purpose':3},'d':{'purpose':'x',"
            "'audio_muted':true}}}",
            "metadata call=c1 party=P v=1 streams" },
        { "metadata without any", "m.call.sdp_stream_metadata_changed", "{" V1 "}",
            "malformed content.org.matrix.msc3077.sdp_stream_metadata: want an object, got "
            "nothing" },
        { "identity", "m.call.asserted_identity",
            "{" V1 ",'asserted_identity':{'id':'@carol:example.com','display_name':'Carol'}}",
            "identity call=c1 party=P v=1 id=@carol:example.com name=Carol" },
        { "identity, unstable", "org.matrix.call.asserted_identity",
            "{" V1 ",'org.matrix.call.asserted_identity':{'display_name':'+49 30'}}",
            "identity call=c1 party=P v=1 name=+49 30" },
        { "identity of nobody", "m.call.asserted_identity", "{" V1 "}",
            "malformed content.org.matrix.call.asserted_identity: want an object, got nothing" },
        { "replaces", "m.call.replaces",
            "{" V1 ",'replacement_id':'r','target_user':{'id':'@bob:example.com'},"
            "'create_call':'c2','target_room':'!x:example.com'}",
            "replaces call=c1 party=P v=1 replacement=r target=@bob:example.com create=c2 "
            "room=!x:example.com" },
        { "replaces, unstable", "org.matrix.call.replaces", "{" V1 ",'await_call':'c3'}",
            "replaces call=c1 party=P v=1 await=c3" },
        { "replaces a list", "m.call.replaces", "{" V1 ",'target_user':[]}",
            "malformed content.target_user: want an object, got a list" },
    };
    check_rows(rows, COUNT_OF(rows));
}

#define CAND "candidate:1 1 "
#define ADDR " 2122252543 192.0.2.1 50000 "

TEST(appservice_voip_events, counts_candidates_by_kind) {
    static const struct row rows[] = {
        { "each kind", "m.call.candidates",
            "{" V1 ",'candidates':[{'candidate':'" CAND "UDP" ADDR "typ host generation 0'},"
            "{'candidate':'" CAND "udp" ADDR "typ srflx raddr 10.0.0.1 rport 9'},"
            "{'candidate':'" CAND "udp" ADDR "typ prflx'},{'candidate':'" CAND "udp" ADDR
            "typ relay'},{'candidate':'" CAND "TCP" ADDR "typ host tcptype active'},"
            "{'candidate':''}]}",
            "candidates call=c1 party=P v=1 host=2 srflx=1 prflx=1 relay=1 tcp=1" },
        { "none", "m.call.candidates", "{" V1 ",'candidates':[]}",
            "candidates call=c1 party=P v=1 host=0 srflx=0 prflx=0 relay=0 tcp=0" },
        { "what is no candidate", "m.call.candidates",
            "{" V1 ",'candidates':[null,3,'x',[],{},{'candidate':3},{'candidate':' '},"
            "{'candidate':'typ host'},{'candidate':'" CAND "udp" ADDR "typ'},"
            "{'candidate':'" CAND "udp" ADDR "typ typ'}]}",
            "candidates call=c1 party=P v=1 host=0 srflx=0 prflx=0 relay=0 tcp=0" },
        { "no list", "m.call.candidates", "{" V1 "}",
            "malformed content.candidates: want a list, got nothing" },
        { "an object", "m.call.candidates", "{" V1 ",'candidates':{}}",
            "malformed content.candidates: want a list, got an object" },
    };
    check_rows(rows, COUNT_OF(rows));
}

TEST(appservice_voip_events, looks_at_a_thousand_candidates) {
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{" V1 ",'candidates':[{}");
    for (int i = 0; i < 1200; i++) {
        buf_puts(&b, ",{'candidate':'" CAND "udp" ADDR "typ host'}");
    }
    buf_puts(&b, "]}");
    check_content("m.call.candidates", NULL, NULL, buf_str(&b),
        "candidates call=c1 party=P v=1 host=999 srflx=0 prflx=0 relay=0 tcp=0");
    buf_finish(&b);
}

TEST(appservice_voip_events, looks_at_sixty_four_streams) {
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, "{" V1 ",'sdp_stream_metadata':{");
    for (int i = 0; i < 64; i++) {
        buf_printf(&b, "'s%d':{'purpose':'m.usermedia'},", i);
    }
    buf_puts(&b, "'last':{'purpose':'m.screenshare'}}}");
    check_content("m.call.sdp_stream_metadata_changed", NULL, NULL, buf_str(&b),
        "metadata call=c1 party=P v=1 streams");
    buf_finish(&b);
}

TEST(appservice_voip_events, finds_video_in_descriptions) {
    static const struct {
        const char *name;
        const char *sdp;
        bool want;
    } rows[] = {
        { "plain", "v=0\r\nm=video 9 UDP\r\n", true },
        { "line feeds alone", "v=0\nm=video 50000 UDP\n", true },
        { "first line", "m=video 9", true },
        { "second of two", "m=video 0 UDP\nm=audio 9\nm=video 09 UDP\n", true },
        { "refused", "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", false },
        { "refused with zeros", "m=video 000 \r\n", false },
        { "audio", "m=audio 9 UDP\r\n", false },
        { "inside a line", "a=x m=video 9\r\n", false },
        { "no port", "m=video \n9", false },
        { "cut", "m=video", false },
        { "another word", "m=videos 9\n", false },
        { "empty", "", false },
    };
    FOR_ROWS (rows, r) {
        ROW(r->name);
        CHECK_INT(r->want, as_sdp_has_video(r->sdp, strlen(r->sdp)));
    }
}

TEST(appservice_voip_events, stops_looking_for_video_where_an_event_ends) {
    struct buf b;
    buf_init(&b, 0);
    while (b.len < AS_SDP_SCAN_MAX) {
        buf_puts(&b, "a=x\r\n");
    }
    buf_puts(&b, "m=video 9\r\n");
    CHECK(!as_sdp_has_video(b.data, b.len));
    CHECK(as_sdp_has_video(b.data + 1000, b.len - 1000));
    buf_finish(&b);
}

/* Personal data: only where the settings ask for it (2.1). */
TEST(appservice_voip_events, keeps_descriptions_only_when_told) {
    struct as_observer_config keeps = say_config;
    keeps.keep_sdp = true;
    struct buf sdp;
    buf_init(&sdp, 0);
    while (sdp.len <= AS_SDP_KEEP_MAX) {
        buf_puts(&sdp, "\xc3\xa4");
    }
    struct buf content;
    buf_init(&content, 0);
    buf_printf(&content, "{" V1 ",'answer':{'sdp':'x%s'}}", buf_str(&sdp));
    struct buf want;
    buf_init(&want, 0);
    buf_printf(
        &want, "answer call=c1 party=P v=1 audio sdp=x%.*s", AS_SDP_KEEP_MAX - 2, buf_str(&sdp));
    json_t *event = say_event("m.call.answer", NULL, NULL, buf_str(&content));
    check_event(&keeps, event, false, buf_str(&want));
    check_event(&say_config, event, false, "answer call=c1 party=P v=1 audio");
    json_decref(event);
    buf_finish(&sdp);
    buf_finish(&content);
    buf_finish(&want);
}
