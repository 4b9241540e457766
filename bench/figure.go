package main

// Report is one run, as --json writes it.
type Report struct {
	Machine Machine  `json:"machine"`
	Quick   bool     `json:"quick"` // too few samples to quote
	Figures []Figure `json:"figures"`
}

// Machine is what a reader needs to know to compare two reports.
type Machine struct {
	System  string `json:"system"` // kernel and its version
	Arch    string `json:"arch"`
	CPUs    int    `json:"cpus"`
	Cgroups string `json:"cgroups"` // "v1", "hybrid", "v2" or "none"
	Go      string `json:"go"`
}

// Figure is one comparison. Its first row is the booth.
type Figure struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"` // of Median and P99
	Rows  []Row  `json:"rows"`
}

// Row is one side of a comparison.
type Row struct {
	Subject string  `json:"subject"`
	Median  float64 `json:"median"`
	P99     float64 `json:"p99"`
	// Ratio is the booth's median divided by this one; Least and Most are the
	// extremes of the same over the rounds.
	Ratio float64 `json:"ratio"`
	Least float64 `json:"ratio_min"`
	Most  float64 `json:"ratio_max"`
	// Missing says why there is nothing to show; the numbers are then 0.
	Missing string `json:"missing,omitempty"`
}
