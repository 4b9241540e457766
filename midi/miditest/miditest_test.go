package miditest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/isobooth/isobooth/midi"
)

var _ midi.Clock = (*Clock)(nil)

func TestSourceDeliversInOrder(t *testing.T) {
	s := NewSource("pad")
	s.Push(time.Millisecond, 0x90, 60, 100)
	go func() {
		s.Push(2*time.Millisecond, 0xf8)
		s.Close()
	}()
	var got []midi.Event
	if err := s.Run(t.Context(), func(e *midi.Event) { got = append(got, *e) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Key() != 60 || got[1].Kind() != midi.System {
		t.Fatalf("got %v", got)
	}
	if got[0].Device != "pad" || got[1].Time != 2*time.Millisecond {
		t.Fatalf("got %v", got)
	}
}

func TestSourceStopsWithCause(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := NewSource("pad")
	s.Push(0, 0xf8)
	s.Push(0, 0xf8)
	n := 0
	err := s.Run(ctx, func(*midi.Event) { n++; cancel(cause) })
	if err != cause || n != 1 {
		t.Fatalf("Run = %v after %d events, want %v after 1", err, n, cause)
	}
}

func TestSourcePushRefusesFragments(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("a message without its data was taken")
		}
	}()
	NewSource("pad").Push(0, 0x90)
}

func TestOutWaits(t *testing.T) {
	o := NewOut()
	msg := []byte{0x90, 60, 100}
	go func() {
		o.Send(msg)
		msg[1] = 61
		o.Send(msg)
	}()
	sent, err := o.Wait(t.Context(), 2)
	if err != nil || len(sent) != 2 || sent[0][1] != 60 || sent[1][1] != 61 {
		t.Fatalf("Wait = %x, %v", sent, err)
	}
	if err := o.Send([]byte{0x90, 60}); !errors.Is(err, midi.ErrMessage) {
		t.Fatalf("Send of a fragment = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sent, err := o.Wait(ctx, 3); err != context.Canceled || len(sent) != 2 {
		t.Fatalf("Wait after cancel = %x, %v", sent, err)
	}
}

func TestClock(t *testing.T) {
	var c Clock
	if err := c.SleepUntil(t.Context(), time.Hour); err != nil || c.Now() != time.Hour {
		t.Fatalf("%v at %v", err, c.Now())
	}
	c.Advance(time.Second)
	if err := c.SleepUntil(t.Context(), 0); err != nil || c.Now() != time.Hour+time.Second {
		t.Fatalf("%v at %v: clock went back", err, c.Now())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.SleepUntil(ctx, 2*time.Hour); err != context.Canceled || c.Now() != time.Hour+time.Second {
		t.Fatalf("%v at %v after cancel", err, c.Now())
	}
}
