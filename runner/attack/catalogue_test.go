package attack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/isobooth/isobooth/runner/attack"
)

// catalogue are the attacks that there are, by section. Each must be in the
// table: run, or with the reason why not or the test that has it.
var catalogue = []string{
	"A01 A02 A03 A04 A06 A07 A08 A09 A11 A12 A13 A14 A16 A17 A18 A19 A20 A22 A23 A25 A26",                 // load time, ELF and loader
	"B01 B02 B04 B05 B06 B07 B09 B11 B12 B14 B15 B16 B17 B18 B19 B20 B22 B23 B24 B25 B27 B28 B29 B31 B32", // syscall-filter bypass
	"C01 C03 C04 C05 C06 C07 C09 C10 C11 C12 C13 C15 C17 C18 C19 C20 C22 C23 C25 C26 C27 C28 C30",         // namespaces, mounts, files
	"D01 D02 D04 D05 D06 D07 D08 D10 D11 D12 D14 D15 D16 D19 D20",                                         // processes and signals
	"E01 E02 E03 E05 E06 E07 E09 E11 E12 E13 E14",                                                         // network and IPC
	"F01 F02 F04 F06 F07 F09 F10 F11 F12 F13 F15 F16 F17 F18",                                             // resource exhaustion
	"G01 G02 G03 G05 G06 G07 G08 G10 G11 G12 G14 G15 G16 G18 G19 G20 G21 G22",                             // protocol abuse
	"H01 H02 H04 H05 H06 H07 H08",                                                                         // information and residue
	"S01 S02 S04 S05 S07 S08",                                                                             // supply chain and administration
	"M01 M02 M03 M04 M05 M06 M07 M08 M09 M10 M11 M12 M13 M14 M15 M16 M17 M18",                             // macOS only
}

func TestCatalogue(t *testing.T) {
	all := strings.Fields(strings.Join(catalogue, " "))
	have := map[string]bool{}
	for _, row := range attack.Rows() {
		id, _, _ := strings.Cut(row.ID, "/")
		if !slices.Contains(all, id) {
			t.Errorf("%s of the table is not in the catalogue", row.ID)
		}
		// One of them, or nothing is done about it.
		have[id] = have[id] || row.Manual != "" || row.Elsewhere != "" || len(row.Phases) > 0
	}
	for _, id := range all {
		if !have[id] {
			t.Errorf("%s of the catalogue is not in the table", id)
		}
	}
}

// TestElsewhere: the tests that rows leave their attack to are there.
func TestElsewhere(t *testing.T) {
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range declaration.FindAllSubmatch(data, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil || !declared["TestElsewhere"] {
		t.Fatalf("%d tests found, %v", len(declared), err)
	}
	name := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	for _, row := range attack.Rows() {
		for _, test := range name.FindAllString(row.Elsewhere, -1) {
			if !declared[test] {
				t.Errorf("row %s: no %s in any package", row.ID, test)
			}
		}
	}
}
