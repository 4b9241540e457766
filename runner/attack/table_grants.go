package attack

// grantRows are attacks of section 3 and 6 on what a profile grants. Under
// strict there is nothing of it, so the tests of grants make them.
func grantRows() []Row {
	const files = "runner TestGrants and TestGrantsWithoutRoot, with and without Landlock: "
	return []Row{
		{ID: "C06/granted", Title: "makes a device or a named pipe in a folder that it may write", Severity: Critical,
			Elsewhere: files + "EACCES for either, and for sockets"},
		{ID: "C13/granted", Title: "makes a link, or follows one, out of a folder that it may write", Severity: Critical,
			Elsewhere: files + "EACCES, and what links of the host lead to is not in the booth"},
		{ID: "C15/granted", Title: "moves or links files out of a folder that it may write, or into one", Severity: High,
			Elsewhere: files + "EXDEV"},
		{ID: "C17/granted", Title: "executes what it wrote, or maps it as code", Severity: High,
			Elsewhere: files + "EACCES and EPERM; TestTmp has the same in /tmp"},
		{ID: "C18/granted", Title: "leaves a set-uid program in a folder that it may write", Severity: Critical,
			Elsewhere: files + "EPERM, whatever the profile says; TestOwnerOfGrants for root's"},
		{ID: "C20/granted", Title: "leaves a granted folder by another spelling of its path", Severity: High,
			Elsewhere: files + "the rest of the host is ENOENT by each"},
		{ID: "C25/granted", Title: "uses a device that is granted to be read only, or another one", Severity: High,
			Elsewhere: "runner TestGrantedDevices and TestDevicesWithoutLandlock"},
		{ID: "C28/granted", Title: "locks a file that it may but read", Severity: Medium,
			Elsewhere: "profiles TestConditions: files and legacy let neither flock nor F_SETLK pass"},
		{ID: "F02/tmp", Title: "takes memory as files in a /tmp", Severity: High,
			Elsewhere: "runner TestTmp: ENOSPC at its size, and it counts as the booth's memory"},
		{ID: "F06/granted", Title: "fills the host's disk through a folder that it may write", Severity: High,
			Manual: "not stopped: file_size bounds one file, not their number; docs/grants.md says so, and what does"},
	}
}
