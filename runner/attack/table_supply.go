package attack

// supplyRows are the rows of section 9: supply chain and administration, which
// never reach a booth.
func supplyRows() []Row {
	return []Row{
		{ID: "S01", Title: "gives an older build, signed, with a hole that is known", Severity: High,
			Manual: "not stopped: a signature has no version. A config that admits one digest does; docs/threat-model.md, Rollback"},
		{ID: "S02", Title: "puts another's manifest beside a library", Severity: Critical,
			Manual: "nothing to stop: manifests are not signed and give no rights, they only say what a plugin calls itself; docs/threat-model.md"},
		{ID: "S04", Title: "has a profile include another by a path of tricks", Severity: High,
			Elsewhere: "profiles TestLibrary, TestLibraryHasANameOnce, TestLibraryRefusesUnsafe and TestExtendsRefuses: a name is in one place, and files that others could change are not read; verify TestLoadKeysRefuses for owners of keys"},
		{ID: "S05", Title: "puts rules into a profile by way of a name", Severity: Critical,
			Elsewhere: "profiles TestParseProfileRefuses, TestRandomRules and TestKernel: the filter does what the parsed rules say"},
		{ID: "S07", Title: "has a layer missing", Severity: Critical,
			Elsewhere: "runner TestWorkerBootErrors, cgroups TestLimitNotInForce and TestUnifiedNeedsControllers, cmd/isobooth TestScripts; a kernel without Landlock needs a machine that has none"},
		{ID: "S08", Title: "has a package write outside its folder", Severity: Critical,
			Manual: "there are no packages and nothing is unpacked: a plugin is a folder, in which links are refused"},
	}
}
