/* `parley doctor`: runs all checks, prints what they found, and ends with their severity. */
#include "cli/command.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/mem.h"
#include "doctor/checks.h"
#include "doctor/report.h"
#include "doctor/symptoms.h"

#include <unistd.h>

/* The index alone: it needs no settings. */
static enum err print_symptoms(const char *words, struct buf *b) {
    size_t before = b->len;
    for (size_t i = 0; i < doctor_n_symptoms; i++) {
        if (doctor_symptom_is(&doctor_symptoms[i], words)) {
            doctor_symptom_print(&doctor_symptoms[i], b);
        }
    }
    if (b->len == before) {
        return err_set(ERR_NOT_FOUND,
            "nothing is known of \"%.100s\": parley doctor --symptoms lists what is", words);
    }
    buf_puts(b, "Run parley doctor and look at these checks.\n");
    return OK;
}

static enum err print_index(const struct cli_args *args, struct buf *b) {
    const char *words = cli_args_get(args, "symptom");
    if (words == NULL && cli_args_has(args, "json")) {
        doctor_symptoms_json(b);
    } else if (words == NULL) {
        doctor_symptoms_list(b);
    } else {
        TRY(print_symptoms(words, b));
    }
    TRY(buf_check(b));
    cli_command_set_exit(DOCTOR_EXIT_FINE);
    return cli_screen_print(buf_str(b));
}

enum err cli_doctor(const struct cli_args *args) {
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    cli_command_set_exit(DOCTOR_EXIT_FAILURES); /* until we know better */
    if (cli_args_has(args, "symptom") || cli_args_has(args, "symptoms")) {
        return print_index(args, &b);
    }
    /* This limits how long libpq waits; what is wrong with the settings the doctor says itself. */
    enum err unsaid = cli_settings_load(args, &c);
    TRY(unsaid == ERR_NOMEM ? unsaid : OK);
    TRY(doctor_create(cli_settings_path(args), environ, &d));
    TRY(doctor_run(d, doctor_checks, doctor_n_checks));
    if (cli_args_has(args, "json")) {
        doctor_report_json(d, &b);
    } else if (cli_args_has(args, "fix")) {
        doctor_report_fixes(d, &b);
    } else {
        doctor_report_text(d, &b);
    }
    TRY(buf_check(&b));
    cli_command_set_exit(doctor_report_exit(d));
    return cli_screen_print(buf_str(&b));
}
