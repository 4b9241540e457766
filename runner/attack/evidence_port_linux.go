package attack

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Port is a free port of this machine, p.tcp4, at which nobody who knows the
// nonce must answer.
func Port(p *probe) (trap, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return knock(p, l)
}

// PortLow is likewise one of the ports that only root can have. No two slots
// take the same.
func PortLow(p *probe) (trap, error) {
	const low, high = 600, 1024
	all := p.slot.suite.all
	slot := slices.Index(all, p.slot)
	n := (high - low) / len(all)
	from := rand.IntN(n)
	var errs []error
	for i := range n {
		port := low + (from+i)%n*len(all) + slot
		l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return knock(p, l)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// knock tries the port that l has found free until somebody answers.
func knock(p *probe, l net.Listener) (trap, error) {
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return nil, err
	}
	p.parameters.TCP4 = uint16(port)
	k := &knocker{address: "127.0.0.1:" + strconv.Itoa(port), nonce: p.nonce, quit: make(chan struct{}), gone: make(chan struct{})}
	go k.run()
	return k, nil
}

type knocker struct {
	address, nonce string
	quit, gone     chan struct{}

	mu       sync.Mutex // held while it knocks
	answered bool
}

func (k *knocker) run() {
	defer close(k.gone)
	for {
		k.once()
		select {
		case <-k.quit:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (k *knocker) once() {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := net.DialTimeout("tcp4", k.address, time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	text := make([]byte, len(k.nonce))
	if c.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	if _, err := io.ReadFull(c, text); err == nil && string(text) == k.nonce {
		k.answered = true
	}
}

func (k *knocker) sprung() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answered {
		return "it answers at " + k.address, nil
	}
	return "", nil
}

func (k *knocker) reset() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answered = false
	return nil
}

func (k *knocker) close() error {
	close(k.quit)
	<-k.gone
	return nil
}
