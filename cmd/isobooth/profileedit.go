package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func (a *app) profileEditCmd() *cobra.Command {
	return &cobra.Command{
		Use: "edit NAME", Short: "Edit a profile of your own, and check it before it counts", Args: a.args(1, 1),
		Long: `Edit opens a private copy of the profile in $VISUAL, else $EDITOR, else vi. A
copy with mistakes is shown with file and line, and can be edited again or
discarded. A copy without takes the place of the profile at once, after what
changes in meaning was printed. Until then, and with Ctrl-C, the profile stays as it was.`,
		ValidArgsFunction: a.completeOwnProfiles,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := a.ownProfile(args[0])
			if err != nil {
				return err
			}
			return a.editProfile(c.Context(), args[0], file)
		},
	}
}

// maxProfile bounds what is read back from an editor; no profile is larger.
const maxProfile = 1 << 20

func (a *app) editProfile(ctx context.Context, name, file string) error {
	before, err := readOwn(file)
	if err != nil {
		return err
	}
	// In the same folder, so that it can take the place of the profile; its
	// name does not end in .toml, so nobody takes it for one.
	copied, err := os.CreateTemp(filepath.Dir(file), "."+name+".edit-") // mode 0600, O_EXCL
	if err != nil {
		return err
	}
	defer os.Remove(copied.Name())
	_, err = copied.Write(before)
	if err := errors.Join(err, copied.Close()); err != nil {
		return err
	}
	for {
		if err := a.runEditor(ctx, copied.Name()); err != nil {
			return fmt.Errorf("%w; %s stays as it was", err, file)
		}
		after, err := readOwn(copied.Name())
		if err != nil {
			return err
		}
		if bytes.Equal(before, after) {
			a.say("nothing changed")
			return nil
		}
		profile, err := a.library().Parse(file, name, after)
		if err == nil {
			return a.putProfile(name, file, before, after, profile)
		}
		a.say("%v", err)
		if again, err := a.askAgain(ctx); err != nil || !again {
			a.say("discarded; %s stays as it was", file)
			return errors.Join(err, &shownError{profiles.ErrInvalid})
		}
	}
}

// putProfile shows what changes and makes the new text the profile.
func (a *app) putProfile(name, file string, before, after []byte, profile *profiles.Profile) error {
	if old, err := a.library().Parse(file, name, before); err != nil {
		a.say("the profile could not be used before: %v", err)
	} else if list := profiles.Diff(old, profile); len(list) > 0 {
		a.printDiff(list)
	} else {
		a.say("it means the same as before")
	}
	for _, f := range profile.Check() {
		a.say("%s: %s %s: %s", f.At, f.Severity, f.ID, f.Text)
	}
	if now, err := readOwn(file); err != nil || !bytes.Equal(now, before) {
		return errors.Join(err, fmt.Errorf("%s was changed by somebody else meanwhile and stays as it is; edit again", file))
	}
	if err := replaceFile(file, after, 0o600); err != nil {
		return err
	}
	a.say("wrote %s", file)
	return nil
}

// runEditor lets the user's editor have the terminal until it ends.
func (a *app) runEditor(ctx context.Context, file string) error {
	words := []string{"vi"}
	for _, variable := range []string{"VISUAL", "EDITOR"} {
		if w := strings.Fields(os.Getenv(variable)); len(w) > 0 {
			words = w
			break
		}
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], file)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stdout, a.stderr
	// Ctrl-C reached it, too, as a program of this terminal; it may have words
	// to say before it ends.
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("editor %q: %w; name one in $VISUAL or $EDITOR", words[0], fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("editor %q: %w", words[0], err)
	}
	return nil
}

// askAgain asks what to do with a copy that has mistakes. Without an answer it
// is discarded.
func (a *app) askAgain(ctx context.Context) (again bool, err error) {
	for {
		fmt.Fprint(a.stderr, "isobooth: edit again (e) or discard (d)? ")
		line, err := readLine(ctx, a.stdin)
		if err != nil {
			fmt.Fprintln(a.stderr)
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		switch strings.TrimSpace(line) {
		case "e":
			return true, nil
		case "d":
			return false, nil
		}
	}
}

// readLine takes no byte beyond the line: the rest is the editor's. It ends
// with ctx.
func readLine(ctx context.Context, in *os.File) (string, error) {
	type answer struct {
		line string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		var line []byte
		one := make([]byte, 1)
		for len(line) < 100 {
			n, err := in.Read(one)
			if n == 1 && one[0] == '\n' {
				break
			}
			if err != nil {
				done <- answer{"", err}
				return
			}
			line = append(line, one[:n]...)
		}
		done <- answer{string(line), nil}
	}()
	select {
	case <-ctx.Done():
		// The read ends with the program.
		return "", ctx.Err()
	case a := <-done:
		return a.line, a.err
	}
}

// readOwn reads a regular file that no symbolic link stands for.
func readOwn(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no regular file", path))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err == nil && len(data) > maxProfile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxProfile)
	}
	return data, err
}
