package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Bounds of what clients may cost.
const (
	metricsClients = 16
	metricsHeader  = 8 << 10 // bytes
	metricsTime    = 5 * time.Second
)

// metricsServer serves the metrics of a daemon to Prometheus.
type metricsServer struct {
	listener net.Listener
	server   *http.Server
	ended    chan struct{}
}

// listenMetrics opens the place that the config names; nil when it names none.
// Clients wait until serve.
func listenMetrics(at metricsAddress) (*metricsServer, error) {
	if at.off() {
		return nil, nil
	}
	var l net.Listener
	var err error
	if at.path != "" {
		l, err = listenSocket(at.path)
	} else {
		l, err = net.Listen("tcp", at.tcp.String())
	}
	if err != nil {
		return nil, err
	}
	return &metricsServer{listener: l, ended: make(chan struct{})}, nil
}

// openMetrics is listenMetrics at what the settings name.
func (a *app) openMetrics() (*metricsServer, error) {
	at, err := a.settings.Metrics.address()
	if err != nil {
		return nil, err
	}
	m, err := listenMetrics(at)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	if m != nil {
		a.say("metrics at %v", at)
	}
	return m, nil
}

// serve answers until close; on nil it does nothing. stats is called at every
// scrape.
func (m *metricsServer) serve(stats func() daemonStats) {
	if m == nil {
		return
	}
	_, tcp := m.listener.Addr().(*net.TCPAddr)
	m.server = &http.Server{
		Handler:     metricsHandler(stats, tcp),
		ReadTimeout: metricsTime, WriteTimeout: 2 * metricsTime, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: metricsHeader,
		ErrorLog:       log.New(io.Discard, "", 0), // what clients do wrong is theirs to see
	}
	go func() {
		defer close(m.ended)
		_ = m.server.Serve(netutil.LimitListener(m.listener, metricsClients)) // until close
	}()
}

// close ends it; safe on nil and without serve.
func (m *metricsServer) close() error {
	if m == nil {
		return nil
	}
	if m.server == nil {
		return m.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := m.server.Shutdown(ctx) // closes the listener
	if errors.Is(err, context.DeadlineExceeded) {
		err = m.server.Close()
	}
	<-m.ended
	return err
}

// metricsHandler answers GET /metrics and nothing else. With local it refuses
// what a browser sends on behalf of a web page: such a page can have a name of
// its own lead to this machine, and then read what is here, but the request
// bears that name.
func metricsHandler(stats func() daemonStats, local bool) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(stats))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // one metric gone wrong is no reason to see none
		MaxRequestsInFlight: 4, Timeout: metricsTime,
	}))
	if !local {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localHost(r.Host) {
			http.Error(w, "metrics are for this machine: the Host must be localhost, 127.0.0.1 or [::1]", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// localHost reports whether a Host header, with or without a port, is this
// machine's own.
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
