package main

import (
	"strings"

	"github.com/isobooth/isobooth/profiles"
	"github.com/spf13/cobra"
)

// completePlugins offers the plugins of the config. One that cannot be read
// has none to offer; the command itself says why.
func (a *app) completePlugins(also cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.pluginNames(c), also
	}
}

func (a *app) pluginNames(c *cobra.Command) []string {
	if a.load(c) != nil {
		return nil
	}
	var names []string
	for i := range a.settings.Plugins {
		names = append(names, a.settings.Plugins[i].Name)
	}
	return names
}

// completePluginFlag is for a flag that names a plugin of the config.
func (a *app) completePluginFlag(also cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.pluginNames(c), also
	}
}

// completeLimit offers plugins, then the keys of limits that are not there yet.
func (a *app) completeLimit(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) == 0 {
		return a.pluginNames(c), none
	}
	given := map[string]bool{}
	for _, word := range args[1:] {
		key, _, _ := strings.Cut(word, "=")
		given[key] = true
	}
	var keys []string
	for _, key := range profiles.LimitNames() {
		if !given[key] {
			keys = append(keys, key+"=")
		}
	}
	return keys, none | cobra.ShellCompDirectiveNoSpace
}

// completeOwnProfiles offers the profiles that can be edited.
func (a *app) completeOwnProfiles(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []string
	if len(args) == 0 {
		list, _ := a.library().List() // a folder that cannot be read has none to offer
		for _, p := range list {
			if p.Origin == profiles.FromUser {
				names = append(names, p.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
