package jail

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestChildIsSeen: a child process is found whatever the worker calls itself.
func TestChildIsSeen(t *testing.T) {
	for _, test := range []struct {
		name, script string
		child        bool
	}{
		{"alone", "echo; read x", false},
		{"child", "sleep 100 & echo; read x; kill $!", true},
		{"child, and a name of spaces", "sleep 100 & printf '              ' >/proc/$$/comm; echo; read x; kill $!", true},
	} {
		cmd := exec.Command("sh", "-c", test.script)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		i, err := newInspector(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.tasks(1)
		i.close()
		if found := err != nil; found != test.child || found && !strings.Contains(err.Error(), "child processes") {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := io.WriteString(in, "\n"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
