// A participant in Go, on LiveKit's server-sdk-go (pion). Driven as sfu_clients/node.js is, by acts of the same names; see
// tests/live/sfu_clients.py. What it publishes are files: it records them first, of what somebody else publishes.
//
//	{"do": "record", "of": "alice", "source": "camera", "file": "x.ivf"}     from its first whole picture on, until "publish"
//	{"do": "publish", "source": "camera", "file": "x.ivf"}                   its frames over and over
//	{"do": "rooms", "url", "key", "secret", "text": "name"}                  RoomService, in protobuf
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/ivfwriter"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
)

const (
	audioRate    = 48000
	audioEvery   = 20 * time.Millisecond // as all clients send Opus
	videoEvery   = time.Second / 15      // of the browsers' fake camera
	pictureEvery = time.Second           // whole pictures are asked for: who comes later can begin with one
)

var sources = map[string]livekit.TrackSource{
	"camera": livekit.TrackSource_CAMERA, "microphone": livekit.TrackSource_MICROPHONE, "screen_share": livekit.TrackSource_SCREEN_SHARE,
}

type act struct {
	Do, URL, Token, Key, Secret, Source, File, Of, Text, Topic string
	Single, On, Reliable                                       bool
	To                                                         []string
}

type writer interface {
	WriteRTP(*rtp.Packet) error
	Close() error
}

// What has come of one track.
type arrival struct {
	Packets    int  `json:"packets"`
	Frames     int  `json:"frames"` // ends of pictures, or packets of sound
	Muted      bool `json:"muted"`
	Subscribed bool `json:"subscribed"`
	file       writer
	ask        func() // for a whole picture
}

type client struct {
	sync.Mutex
	room      *lksdk.Room
	told      []string
	data      []map[string]any
	arrived   map[string]*arrival // "alice camera"
	published map[string]*lksdk.LocalTrackPublication
	over      chan struct{} // closed: what is published ends
}

func name(source livekit.TrackSource) string {
	for known, s := range sources {
		if s == source {
			return known
		}
	}
	return "unknown"
}

func (c *client) arrivalOf(who, source string) *arrival {
	key := who + " " + source
	if c.arrived[key] == nil {
		c.arrived[key] = &arrival{}
	}
	return c.arrived[key]
}

func (c *client) read(track *webrtc.TrackRemote, a *arrival) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		c.Lock()
		a.Packets++
		if packet.Marker || track.Kind() == webrtc.RTPCodecTypeAudio {
			a.Frames++
		}
		if a.file != nil {
			_ = a.file.WriteRTP(packet)
		}
		c.Unlock()
	}
}

// askForPictures asks for whole ones as long as the track is recorded.
func (c *client) askForPictures(a *arrival) {
	for range time.Tick(pictureEvery) {
		c.Lock()
		over, ask := a.file == nil, a.ask
		c.Unlock()
		if over {
			return
		}
		if ask != nil {
			ask()
		}
	}
}

func (c *client) subscribed(track *webrtc.TrackRemote, publication *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
	c.Lock()
	a := c.arrivalOf(who.Identity(), name(publication.Source()))
	a.ask = func() { who.WritePLI(track.SSRC()) }
	c.Unlock()
	go c.read(track, a)
}

func (c *client) note(format string, args ...any) {
	c.Lock()
	defer c.Unlock()
	c.told = append(c.told, fmt.Sprintf(format, args...))
}

func (c *client) join(a act) (any, error) {
	c.leave()
	heard := &lksdk.RoomCallback{
		OnParticipantConnected:    func(who *lksdk.RemoteParticipant) { c.note("came %s", who.Identity()) },
		OnParticipantDisconnected: func(who *lksdk.RemoteParticipant) { c.note("went %s", who.Identity()) },
		OnDisconnectedWithReason:  func(reason lksdk.DisconnectionReason) { c.note("over %s", reason) },
		OnReconnecting:            func() { c.note("reconnecting") },
		ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackSubscribed: c.subscribed,
			OnDataPacket: func(data lksdk.DataPacket, from lksdk.DataReceiveParams) {
				if packet, ok := data.(*lksdk.UserDataPacket); ok {
					c.Lock()
					c.data = append(c.data, map[string]any{"from": from.SenderIdentity, "topic": packet.Topic, "text": string(packet.Payload)})
					c.Unlock()
				}
			},
		},
	}
	options := []lksdk.ConnectOption{lksdk.WithAutoSubscribe(true), lksdk.WithDisableRegionDiscovery()}
	if a.Single {
		options = append(options, lksdk.WithSinglePeerConnection())
	}
	room, err := lksdk.ConnectToRoomWithToken(a.URL, a.Token, heard, options...)
	if err != nil {
		return map[string]any{"refused": err.Error()}, nil
	}
	c.room = room
	return map[string]any{"sid": room.LocalParticipant.SID()}, nil
}

func (c *client) record(a act) (any, error) {
	var file writer
	var err error
	if a.Source == "microphone" {
		file, err = oggwriter.New(a.File, audioRate, 2)
	} else {
		file, err = ivfwriter.New(a.File)
	}
	if err != nil {
		return nil, err
	}
	c.Lock()
	defer c.Unlock()
	from := c.arrivalOf(a.Of, a.Source)
	from.file = file
	if a.Source != "microphone" {
		go c.askForPictures(from)
	}
	return nil, nil
}

func (c *client) finishRecordings() {
	c.Lock()
	defer c.Unlock()
	for _, a := range c.arrived {
		if a.file != nil {
			_ = a.file.Close()
			a.file = nil
		}
	}
}

// frames gives what a recording has, one after the other.
func frames(path, source string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all [][]byte
	if source == "microphone" {
		reader, _, err := oggreader.NewWith(file)
		for err == nil {
			var page []byte
			if page, _, err = reader.ParseNextPage(); err == nil && !bytes.HasPrefix(page, []byte("Opus")) {
				all = append(all, page)
			}
		}
	} else {
		reader, _, err := ivfreader.NewWith(file)
		for err == nil {
			var frame []byte
			if frame, _, err = reader.ParseNextFrame(); err == nil {
				all = append(all, frame)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing was recorded in %s", path)
	}
	return all, nil
}

// play sends the frames over and over.
func play(track *lksdk.LocalTrack, all [][]byte, every time.Duration, over <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-over:
			return
		case <-tick.C:
			_ = track.WriteSample(media.Sample{Data: all[i%len(all)], Duration: every}, nil)
		}
	}
}

func (c *client) publish(a act) (any, error) {
	c.finishRecordings()
	all, err := frames(a.File, a.Source)
	if err != nil {
		return nil, err
	}
	codec, every := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, videoEvery
	if a.Source == "microphone" {
		codec, every = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: audioRate, Channels: 2}, audioEvery
	}
	track, err := lksdk.NewLocalSampleTrack(codec)
	if err != nil {
		return nil, err
	}
	publication, err := c.room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Name: a.Source, Source: sources[a.Source]})
	if err != nil {
		return nil, err
	}
	c.published[a.Source] = publication
	go play(track, all, every, c.over)
	return map[string]any{"sid": publication.SID(), "frames": len(all)}, nil
}

func (c *client) unpublish(a act) (any, error) {
	return nil, c.room.LocalParticipant.UnpublishTrack(c.published[a.Source].SID())
}

func (c *client) mute(a act) (any, error) {
	c.published[a.Source].SetMuted(a.On)
	return nil, nil
}

func (c *client) send(a act) (any, error) {
	return nil, c.room.LocalParticipant.PublishDataPacket(lksdk.UserData([]byte(a.Text)), lksdk.WithDataPublishTopic(a.Topic),
		lksdk.WithDataPublishReliable(a.Reliable), lksdk.WithDataPublishDestination(a.To))
}

// rooms asks RoomService: this SDK speaks protobuf with it.
func (c *client) rooms(a act) (any, error) {
	service := lksdk.NewRoomServiceClient(a.URL, a.Key, a.Secret)
	made, err := service.CreateRoom(context.Background(), &livekit.CreateRoomRequest{Name: a.Text, Metadata: "by Go"})
	if err != nil {
		return nil, err
	}
	found, err := service.ListRooms(context.Background(), &livekit.ListRoomsRequest{Names: []string{a.Text}})
	if err != nil || len(found.Rooms) != 1 || found.Rooms[0].Sid != made.Sid {
		return nil, fmt.Errorf("made %v, found %v: %v", made, found, err)
	}
	_, err = service.DeleteRoom(context.Background(), &livekit.DeleteRoomRequest{Room: a.Text})
	return map[string]any{"metadata": made.Metadata}, err
}

func (c *client) look(act) (any, error) {
	people := map[string]any{}
	if c.room != nil {
		for _, who := range c.room.GetRemoteParticipants() {
			tracks := map[string]any{}
			for _, publication := range who.TrackPublications() {
				c.Lock()
				seen := *c.arrivalOf(who.Identity(), name(publication.Source()))
				c.Unlock()
				seen.Muted = publication.IsMuted()
				if remote, ok := publication.(*lksdk.RemoteTrackPublication); ok {
					seen.Subscribed = remote.IsSubscribed()
				}
				tracks[name(publication.Source())] = seen
			}
			people[who.Identity()] = tracks
		}
	}
	state := "disconnected"
	if c.room != nil {
		state = string(c.room.ConnectionState())
	}
	c.Lock()
	defer c.Unlock()
	return map[string]any{"state": state, "people": people, "told": append([]string{}, c.told...), "data": append([]map[string]any{}, c.data...)}, nil
}

func (c *client) leave() {
	if c.room != nil {
		c.room.Disconnect()
	}
	c.finishRecordings()
	if c.over != nil {
		close(c.over)
	}
	*c = client{arrived: map[string]*arrival{}, published: map[string]*lksdk.LocalTrackPublication{}, over: make(chan struct{})}
}

func main() {
	lksdk.SetLogger(logger.GetDiscardLogger())
	c := &client{}
	c.leave()
	acts := map[string]func(act) (any, error){
		"join": c.join, "record": c.record, "publish": c.publish, "unpublish": c.unpublish, "mute": c.mute, "send": c.send, "look": c.look, "rooms": c.rooms,
		"leave": func(act) (any, error) { c.leave(); return nil, nil },
	}
	answer := func(name string, said any) {
		line, _ := json.Marshal(map[string]any{name: said})
		fmt.Println(string(line))
	}
	answer("ok", "server-sdk-go "+lksdk.Version)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a act
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil || acts[a.Do] == nil {
			answer("error", fmt.Sprintf("no act: %s", lines.Text()))
		} else if ok, err := acts[a.Do](a); err != nil {
			answer("error", err.Error())
		} else {
			answer("ok", ok)
		}
	}
	c.leave()
}
