package jail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/isobooth/isobooth/runner/control"
)

// nameFiles are the files, by their path in a booth, through which libc finds
// the names that were granted, with the addresses they were granted with, and
// asks nobody else: there is no /etc/resolv.conf. None without such names.
func nameFiles(g *control.Grants) map[string][]byte {
	if len(g.Hosts) == 0 {
		return nil
	}
	var hosts strings.Builder
	if !slices.ContainsFunc(g.Hosts, func(h control.HostName) bool { return h.Name == "localhost" }) {
		hosts.WriteString("127.0.0.1 localhost\n")
	}
	for _, h := range slices.SortedFunc(slices.Values(g.Hosts), func(a, b control.HostName) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Addr.Compare(b.Addr))
	}) {
		fmt.Fprintf(&hosts, "%s %s\n", h.Addr, h.Name)
	}
	return map[string][]byte{
		"/etc/hosts":         []byte(hosts.String()),
		"/etc/nsswitch.conf": []byte("hosts: files\n"),
		// All the addresses of a name, not only its first line; host.conf(5).
		"/etc/host.conf": []byte("multi on\n"),
	}
}
