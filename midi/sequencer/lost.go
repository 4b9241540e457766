package sequencer

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// parseLost reads /proc/asound/seq/clients and returns how often there was
// no room in the input pool of client. The file has the names of all clients
// as they gave them, so that one of them could forge this count; it is for
// people, and nothing is decided by it.
func parseLost(r io.Reader, client int) (uint64, error) {
	lines := bufio.NewScanner(r)
	head := fmt.Sprintf("Client %3d : ", client)
	inClient, inPool := false, false
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "Client "):
			inClient, inPool = strings.HasPrefix(line, head), false
		case strings.HasPrefix(line, "  Input pool"):
			inPool = inClient
		case strings.HasPrefix(line, "  Output pool"):
			inPool = false
		case inPool:
			key, value, _ := strings.Cut(line, ":")
			if strings.TrimSpace(key) == "Alloc failures" {
				return strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			}
		}
	}
	return 0, lines.Err()
}
