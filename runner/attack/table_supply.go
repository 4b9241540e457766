package attack

// supplyRows are the rows of section 9: supply chain and administration, which never reach a booth.
func supplyRows() []Row {
	return nil
}
