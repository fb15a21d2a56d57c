/* What becomes of announced tracks. */
#include "signal_offers.h"
#include "signal_world.h"

TEST(livekit_publishing, takes_sound_in_red_unless_it_may_not) {
#define SOUND(more) "{\"addTrack\":{\"cid\":\"mic\",\"source\":\"MICROPHONE\"" more "}}"
    static const struct {
        const char *name, *announced;
        enum rtc_codec_type sent;
    } rows[] = {
        { "as it comes", SOUND(""), RTC_RED },
        { "the client does not want it", SOUND(",\"disableRed\":true"), RTC_OPUS },
        { "encrypted end to end", SOUND(",\"encryption\":\"GCM\""), RTC_OPUS },
    };
    FOR_ROWS (rows, r) {
        struct signal_world w;
        struct client alice, bob;
        ROW(r->name);
        CHECK_ERR(OK, signal_open(&w, NULL));
        call_in_v1(&w, &alice, "alice", RECEIVING);
        say(&alice, r->announced);
        say_sdp(&alice, "offer", SENDING("sendonly"), 2);
        const struct room *room = room_directory_find(w.rooms, "r");
        const struct room_publication *p = room_find_member(room, "alice")->publications;
        CHECK(p != NULL);
        if (p != NULL) {
            CHECK_INT(r->sent, p->params.codecs[0].type);
        }
        call_in_v1(&w, &bob, "bob", RECEIVING); /* a section that is told of RED only with it */
        json_t *answer = latest(&bob, "answer");
        const char *sdp = json_string_value(json_object_get(answer, "sdp"));
        CHECK((sdp != NULL && strstr(sdp, "red/48000") != NULL) == (r->sent == RTC_RED));
        json_decref(answer);
        hang_up(&alice);
        hang_up(&bob);
        signal_close(&w);
    }
}
