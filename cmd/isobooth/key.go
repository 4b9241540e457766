package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/isobooth/isobooth/verify"
	"github.com/spf13/cobra"
)

func (a *app) keyCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Make and list signing keys", RunE: needsCommand}
	cmd.AddCommand(a.keyGenerateCmd(), a.keyListCmd())
	return cmd
}

func (a *app) keyGenerateCmd() *cobra.Command {
	var trust bool
	cmd := &cobra.Command{
		Use: "generate FILE", Short: "Make a key pair: FILE.key and FILE.pub", Args: a.args(1, 1),
		Long: `Generate makes a minisign key pair without a password: FILE.key, which only
you can read and which signs, and FILE.pub, which you give to users of your
plugins. minisign can use both. For a key with a password use minisign -G.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			pub, sec, err := verify.GenerateKey()
			if err != nil {
				return err
			}
			if err := writeNew(args[0]+".key", sec, 0o600); err != nil {
				return err
			}
			if err := writeNew(args[0]+".pub", pub, 0o644); err != nil {
				return err
			}
			a.say("wrote %s.key (keep it secret) and %s.pub", args[0], args[0])
			if !trust {
				return nil
			}
			if err := os.MkdirAll(a.settings.TrustedKeys, 0o700); err != nil {
				return err
			}
			file := filepath.Join(a.settings.TrustedKeys, filepath.Base(args[0])+".pub")
			if err := writeNew(file, pub, 0o644); err != nil {
				return err
			}
			a.say("trusted from now on: %s", file)
			return nil
		},
	}
	cmd.Flags().BoolVar(&trust, "trust", false, "put the public key into the trusted keys, too")
	return cmd
}

// writeNew writes a file that must not exist.
func writeNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (a *app) keyListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the trusted public keys", Args: a.args(0, 0),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.load(c); err != nil {
				return err
			}
			keys, err := verify.LoadKeys(a.settings.TrustedKeys)
			if err != nil {
				return err
			}
			if asJSON {
				writeJSON(a.stdout, append([]verify.Key{}, keys.List()...))
				return nil
			}
			for _, k := range keys.List() {
				fmt.Fprintf(a.stdout, "%s  %s\n", k.ID, k.File)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) signCmd() *cobra.Command {
	var key, comment string
	cmd := &cobra.Command{
		Use: "sign FILE --key FILE.key", Short: "Sign a plugin's library, as minisign does", Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if key == "" {
				return a.usage(c, fmt.Errorf("--key is missing"))
			}
			sec, err := os.ReadFile(key)
			if err != nil {
				return err
			}
			s, err := verify.SignFile(args[0], sec, comment)
			clear(sec)
			if err != nil {
				return err
			}
			a.say("wrote %s.minisig by key %s", args[0], s.KeyID)
			return nil
		},
	}
	cmd.Flags().StringVarP(&key, "key", "k", "", "secret key `FILE`, as key generate makes it")
	cmd.Flags().StringVar(&comment, "comment", "", "trusted `COMMENT`, which the signature covers (default the time)")
	return cmd
}
