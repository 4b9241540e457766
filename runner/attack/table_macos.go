package attack

// darwinRows are the rows of section 10: macOS.
func darwinRows() []Row {
	return nil
}
