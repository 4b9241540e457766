package attack

// darwinOnly is why none of section 10 runs: there is no jailer for macOS, and
// so no booth.
const darwinOnly = "macOS only, where isobooth does not run plugins yet"

// darwinRows are the rows of section 10: macOS.
func darwinRows() []Row {
	return []Row{
		{ID: "M01", Title: "starts programs through Launch Services and Apple events", Severity: Critical, Manual: darwinOnly},
		{ID: "M02", Title: "reads the environment of other processes", Severity: High, Manual: darwinOnly},
		{ID: "M03", Title: "reaches CoreMIDI past the daemon", Severity: Critical, Manual: darwinOnly},
		{ID: "M04", Title: "looks up other mach services", Severity: Critical, Manual: darwinOnly},
		{ID: "M05", Title: "connects to a Unix socket", Severity: High, Manual: darwinOnly},
		{ID: "M06", Title: "sends secrets through the name service daemon", Severity: High, Manual: darwinOnly},
		{ID: "M07", Title: "reaches files by other spellings of their path", Severity: High, Manual: darwinOnly},
		{ID: "M08", Title: "renames the parent of a folder that is denied", Severity: High, Manual: darwinOnly},
		{ID: "M09", Title: "mounts a device file system", Severity: Critical, Manual: darwinOnly},
		{ID: "M10", Title: "writes a library and loads it", Severity: High, Manual: darwinOnly},
		{ID: "M11", Title: "runs code before the profile is applied", Severity: Critical, Manual: darwinOnly},
		{ID: "M12", Title: "has the loader take another library", Severity: Critical, Manual: darwinOnly},
		{ID: "M13", Title: "takes memory", Severity: High, Manual: darwinOnly},
		{ID: "M14", Title: "forks without end", Severity: High, Manual: darwinOnly},
		{ID: "M15", Title: "reads the keychain and the pasteboard", Severity: High, Manual: darwinOnly},
		{ID: "M16", Title: "puts rules into a profile by way of a path", Severity: Critical, Manual: darwinOnly},
		{ID: "M17", Title: "has another sandbox-exec found first", Severity: Critical, Manual: darwinOnly},
		{ID: "M18", Title: "starts a set-user-ID program", Severity: High, Manual: darwinOnly},
	}
}
