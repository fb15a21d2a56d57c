/*
 * Whole events as clients and homeservers really send them, one of each shape, with ' for ".
 * Sources: matrix-calls 2.2, 3.2 to 3.4; matrix-js-sdk 42 and 43; FluffyChat; the Matrix
 * specification's examples.
 */
#ifndef TESTS_UNIT_APPSERVICE_SAMPLES_H
#define TESTS_UNIT_APPSERVICE_SAMPLES_H

struct appservice_sample {
    const char *name;
    const char *event;
};

#define SAMPLE_HEAD                                                                                \
    "'event_id':'$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg','room_id':'!636q39766251:"          \
    "example.com','sender':'@alice:example.com','user_id':'@alice:example.com','age':1234,"        \
    "'origin_server_ts':1764000009000,'unsigned':{'age':1234,'membership':'join'},"
#define SAMPLE_V1 "'call_id':'1764000009000AbCdEfGhIjKlMnOp','party_id':'QRSTUVWXYZ','version':'1'"
#define SAMPLE_SDP                                                                                 \
    "v=0\\r\\no=- 4611731400430051336 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\n"                \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\nc=IN IP4 0.0.0.0\\r\\nm=video 9 UDP/TLS/RTP/SAVPF 96"    \
    "\\r\\na=sendrecv\\r\\n"
#define SAMPLE_KEY "'state_key':'_@alice:example.com_QRSTUVWXYZ_m.call',"

static const struct appservice_sample appservice_samples[] = {
    { "invite, version 1, Element Web",
        "{" SAMPLE_HEAD "'type':'m.call.invite','content':{" SAMPLE_V1
        ",'lifetime':60000,'offer':{'type':'offer','sdp':'" SAMPLE_SDP "'},'capabilities':"
        "{'m.call.transferee':false,'m.call.dtmf':false},'org.matrix.msc3077.sdp_stream_metadata':"
        "{'eWb1':{'purpose':'m.usermedia','audio_muted':false,'video_muted':true}},'invitee':"
        "'@bob:example.com','conf_id':'x','seq':0}}" },
    { "invite, version 0",
        "{" SAMPLE_HEAD "'type':'m.call.invite','content':{'call_id':'12345','version':0,"
        "'lifetime':60000,'offer':{'type':'offer','sdp':'v=0\\r\\n'}}}" },
    { "answer", "{" SAMPLE_HEAD "'type':'m.call.answer','content':{" SAMPLE_V1
                ",'answer':{'type':'answer','sdp':'" SAMPLE_SDP "'},'sdp_stream_metadata':{'eWb1':"
                "{'purpose':'m.screenshare'}}}}" },
    { "candidates",
        "{" SAMPLE_HEAD "'type':'m.call.candidates','content':{" SAMPLE_V1
        ",'candidates':[{'candidate':'candidate:863018703 1 udp 2122260223 10.9.64.156 43670 typ "
        "host generation 0','sdpMLineIndex':0,'sdpMid':'audio'},{'candidate':'candidate:1 1 tcp "
        "1518280447 10.9.64.156 9 typ host tcptype active generation 0','sdpMLineIndex':0,"
        "'sdpMid':'audio'},{'candidate':''}]}}" },
    { "select_answer", "{" SAMPLE_HEAD "'type':'m.call.select_answer','content':{" SAMPLE_V1
                       ",'selected_party_id':'ABCDEFGHIJ'}}" },
    { "reject, Dart", "{" SAMPLE_HEAD "'type':'m.call.reject','content':{" SAMPLE_V1
                      ",'reason':'user_hangup'}}" },
    { "hangup", "{" SAMPLE_HEAD "'type':'m.call.hangup','content':{" SAMPLE_V1
                ",'reason':'invite_timeout'}}" },
    { "hangup, version 0",
        "{" SAMPLE_HEAD "'type':'m.call.hangup','content':{'call_id':'12345','version':0}}" },
    { "negotiate", "{" SAMPLE_HEAD "'type':'m.call.negotiate','content':{" SAMPLE_V1
                   ",'lifetime':60000,'description':{'type':'offer','sdp':'" SAMPLE_SDP
                   "'},'sdp_stream_metadata':{'eWb1':{'purpose':'m.usermedia'}}}}" },
    { "sdp_stream_metadata_changed",
        "{" SAMPLE_HEAD "'type':'org.matrix.call.sdp_stream_metadata_changed','content':{" SAMPLE_V1
        ",'org.matrix.msc3077.sdp_stream_metadata':{'eWb1':{'purpose':'m.usermedia',"
        "'audio_muted':true,'video_muted':true},'scr':{'purpose':'m.screenshare'}}}}" },
    { "asserted_identity",
        "{" SAMPLE_HEAD "'type':'org.matrix.call.asserted_identity','content':{" SAMPLE_V1
        ",'org.matrix.call.asserted_identity':{'id':'@carol:example.com','display_name':'Carol',"
        "'avatar_url':'mxc://example.com/a'}}}" },
    { "replaces",
        "{" SAMPLE_HEAD "'type':'m.call.replaces','content':{" SAMPLE_V1
        ",'replacement_id':'r1','target_user':{'id':'@carol:example.com','display_name':'C',"
        "'avatar_url':'mxc://a/b'},'create_call':'c2','await_call':'c3','target_room':"
        "'!t:example.com'}}" },
    { "member, Element Call",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc3401.call.member'," SAMPLE_KEY
        "'content':{'application':'m.call','call_id':'','scope':'m.room','device_id':'QRSTUVWXYZ',"
        "'membershipID':'@alice:example.com:QRSTUVWXYZ','expires':28800000,'created_ts':"
        "1764000000000,'m.call.intent':'video','focus_active':{'type':'livekit','focus_selection':"
        "'multi_sfu'},'foci_preferred':[{'type':'livekit','livekit_service_url':"
        "'https://sfu.example.com','livekit_alias':'!636q39766251:example.com'}]}}" },
    { "member, FluffyChat",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc3401.call.member'," SAMPLE_KEY
        "'content':{'application':'m.call','call_id':'','device_id':'QRSTUVWXYZ','expires':"
        "14400000,'created_at':1764000009000,'foci_preferred':[{'type':'livekit',"
        "'livekit_service_url':'https://other.example.org','livekit_alias':'!r:example.com'}],"
        "'focus_active':{'type':'livekit','focus_selection':'oldest_membership'},'m.call.intent':"
        "'audio','membershipID':'@alice:example.com:QRSTUVWXYZ','scope':'m.room'}}" },
    { "member left",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc3401.call.member'," SAMPLE_KEY "'content':{}}" },
    { "members, list",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc3401.call.member','state_key':'@alice:example.com',"
        "'content':{'memberships':[{'application':'m.call','call_id':'','scope':'m.room',"
        "'device_id':'D1','expires':3600000,'expires_ts':1764003600000,'created_ts':1764000000000,"
        "'membershipID':'m1','foci_active':[{'type':'livekit','livekit_service_url':"
        "'https://sfu.example.com','livekit_alias':'a'}]},{'application':'m.call','call_id':'x',"
        "'device_id':'D2','expires':1,'membershipID':'m0'}]}}" },
    { "members, Famedly",
        "{" SAMPLE_HEAD "'type':'com.famedly.call.member','state_key':'@alice:example.com',"
        "'content':{'memberships':[{'application':'m.call','call_id':'','scope':'m.room',"
        "'foci_active':[{'type':'livekit','livekit_service_url':'https://f','livekit_alias':'a'}],"
        "'device_id':'D1','expires_ts':1764000130000,'expires':720000,'feeds':[{'purpose':"
        "'m.usermedia'}]}]}}" },
    { "sticky member, js-sdk 43",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4143.rtc.member','msc4354_sticky':{'duration_ms':"
        "3600000},'content':{'slot_id':'m.call#ROOM','member':{'id':'b9c1','user_id':"
        "'@alice:example.com','device_id':'QRSTUVWXYZ'},'application':{'type':'m.call',"
        "'m.call.intent':'video'},'transports':{'published':[{'type':'livekit',"
        "'livekit_service_url':'https://sfu.example.com'}],'can_subscribe':['livekit']},"
        "'versions':[],'msc4354_sticky_key':'b9c1','m.relation':{'rel_type':'m.reference',"
        "'event_id':'$first'}}}" },
    { "sticky member, older",
        "{" SAMPLE_HEAD "'type':'m.rtc.member','sticky':{'duration_ms':600000},'content':"
        "{'slot_id':'m.call#room','member':{'id':'b9c1','claimed_user_id':'@alice:example.com',"
        "'claimed_device_id':'D'},'application':{'type':'m.call'},'rtc_transports':[{'type':"
        "'livekit','livekit_service_url':'https://f'}],'sticky_key':'b9c1'}}" },
    { "sticky member left",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4143.rtc.member','msc4354_sticky':{'duration_ms':"
        "3600000},'content':{'slot_id':'m.call#ROOM','msc4354_sticky_key':'b9c1'}}" },
    { "sticky member left, latest text",
        "{" SAMPLE_HEAD "'type':'m.rtc.member','sticky':{'duration_ms':600000},'content':"
        "{'slot_id':'m.call#room','member':{'id':'b9c1','membership':'leave'},'application':"
        "{'type':'m.call'},'leave_reason':{'code':'slot_closed','reason':'over'},'sticky_key':"
        "'b9c1'}}" },
    { "slot closed",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4143.rtc.slot','state_key':'m.call#ROOM','content':"
        "{'status':'closed','application':{'type':'m.call'},'encryption':{'type':"
        "'org.matrix.msc4143.per_member'}}}" },
    { "ring, js-sdk 43",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4075.rtc.notification','msc4354_sticky':"
        "{'duration_ms':110000},'content':{'slot_id':'m.call#ROOM','m.mentions':{'user_ids':[],"
        "'room':true},'notification_type':'ring','m.relates_to':{'event_id':'$member','rel_type':"
        "'m.reference'},'sender_ts':1764000009000,'lifetime':90000,'msc4354_sticky_key':"
        "'m.call#ROOM','m.call.intent':'audio'}}" },
    { "ring, FluffyChat",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4075.rtc.notification','content':{'lifetime':30000,"
        "'m.call.intent':'video','m.mentions':{'user_ids':['@bob:example.com','@c:example.org']},"
        "'m.relates.to':{'event_id':'$member','rel_type':'m.reference'},'notification_type':'ring',"
        "'sender_ts':1764000009000}}" },
    { "ring, latest text",
        "{" SAMPLE_HEAD "'type':'m.rtc.notification','content':{'slot_id':'m.call#room','lifetime':"
        "30000,'sender_ts':1764000009000,'application':{'type':'m.call','m.call.intent':'video'},"
        "'m.mentions':{'room':false,'user_ids':['@bob:example.com']}}}" },
    { "older ring",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4075.call.notify','content':{'application':'m.call',"
        "'m.mentions':{'user_ids':['@bob:example.com'],'room':false},'notify_type':'ring',"
        "'call_id':''}}" },
    { "decline",
        "{" SAMPLE_HEAD "'type':'org.matrix.msc4310.rtc.decline','content':{'m.relates_to':"
        "{'event_id':'$ring','rel_type':'m.reference'},'msc4354_sticky_key':'$ring'}}" },
    { "raised hand",
        "{" SAMPLE_HEAD "'type':'m.reaction','content':{'m.relates_to':{'rel_type':'m.annotation',"
        "'event_id':'$member','key':'\xF0\x9F\x96\x90\xEF\xB8\x8F'}}}" },
    { "encrypted, sticky and related",
        "{" SAMPLE_HEAD "'type':'m.room.encrypted','msc4354_sticky':{'duration_ms':110000},"
        "'content':{'algorithm':'m.megolm.v1.aes-sha2','ciphertext':'AwgA','sender_key':'k',"
        "'device_id':'D','session_id':'s','m.relates_to':{'event_id':'$member','rel_type':"
        "'m.reference'}}}" },
    { "kicked", "{" SAMPLE_HEAD "'type':'m.room.member','state_key':'@bob:example.com','content':"
                "{'membership':'leave','reason':'spam'}}" },
    { "joined",
        "{'event_id':'$e','room_id':'!Aa0_-','sender':'@bob:example.com','type':'m.room.member',"
        "'state_key':'@bob:example.com','origin_server_ts':1764000009000,'unsigned':{'age':5,"
        "'prev_content':{'membership':'invite'}},'content':{'membership':'join','displayname':"
        "'Bob'}}" },
    { "redaction",
        "{" SAMPLE_HEAD "'type':'m.room.redaction','redacts':'$x','content':{'redacts':'$x'}}" },
    { "join rules",
        "{" SAMPLE_HEAD "'type':'m.room.join_rules','state_key':'','content':{'join_rule':"
        "'public'}}" },
    { "a message",
        "{" SAMPLE_HEAD "'type':'m.room.message','content':{'msgtype':'m.text','body':'hello'}}" },
};

#endif
