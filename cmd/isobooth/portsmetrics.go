package main

import (
	"github.com/isobooth/isobooth/midi/ports"
	"github.com/prometheus/client_golang/prometheus"
)

// portMetric is one number of the MIDI ports of one name and direction.
type portMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*ports.State) float64
}

func portDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("isobooth_midi_port_"+name, help, []string{"direction", "port"}, nil)
}

// portMetrics are those that every port has that is or was open.
var portMetrics = []portMetric{
	{portDesc("open", "How many ports of that name are open."), prometheus.GaugeValue, func(s *ports.State) float64 { return truth(s.Open) }},
	{portDesc("messages_total", "MIDI messages that came in, or were sent."), prometheus.CounterValue, func(s *ports.State) float64 { return float64(s.Messages) }},
	{portDesc("overflows_total", "Times that a buffer before isobooth was full and events were lost."), prometheus.CounterValue, func(s *ports.State) float64 { return float64(s.Overflows) }},
	{portDesc("skipped_bytes_total", "Bytes outside any complete message."), prometheus.CounterValue, func(s *ports.State) float64 { return float64(s.Skipped) }},
	{portDesc("sysex_dropped_total", "System exclusive messages that were too long."), prometheus.CounterValue, func(s *ports.State) float64 { return float64(s.SysExDropped) }},
	{portDesc("away_total", "MIDI messages to the output while it was not there."), prometheus.CounterValue, func(s *ports.State) float64 { return float64(s.Away) }},
}

// collectPorts adds up ports of the same name: labels must differ.
func collectPorts(to chan<- prometheus.Metric, states []ports.State) {
	type label struct{ direction, port string }
	values := map[label][]float64{}
	for i := range states {
		l := label{states[i].Direction, printable(states[i].Name)}
		if values[l] == nil {
			values[l] = make([]float64, len(portMetrics))
		}
		for j, m := range portMetrics {
			values[l][j] += m.value(&states[i])
		}
	}
	for l, sums := range values {
		for j, m := range portMetrics {
			to <- prometheus.MustNewConstMetric(m.desc, m.kind, sums[j], l.direction, l.port)
		}
	}
}
