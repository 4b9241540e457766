package attack

// protocolRows are the rows of section 7: abuse of the pipes.
func protocolRows() []Row {
	return nil
}
