/* `parley doctor`: runs all checks, prints what they found, and ends with their severity. */
#include "cli/command.h"
#include "cli/screen.h"
#include "cli/settings.h"
#include "core/buf.h"
#include "core/mem.h"
#include "doctor/checks.h"
#include "doctor/report.h"

#include <unistd.h>

enum err cli_doctor(const struct cli_args *args) {
    CLEANUP(doctor_destroyp) struct doctor *d = NULL;
    CLEANUP(config_destroyp) struct config *c = NULL;
    CLEANUP(buf_finish) struct buf b;
    buf_init(&b, 0);
    cli_command_set_exit(DOCTOR_EXIT_FAILURES); /* until we know better */
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
