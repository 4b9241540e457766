package runner

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestListsAreWhole: who adds a constant adds it to the list of all, too.
func TestListsAreWhole(t *testing.T) {
	for _, list := range []struct {
		file, typ string
		have      []string
	}{
		{"cause.go", "CauseKind", texts(CauseKinds())},
		{"state.go", "State", texts(States())},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), list.file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == list.typ {
				for _, v := range spec.Values {
					text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, text)
				}
			}
			return true
		})
		slices.Sort(want)
		slices.Sort(list.have)
		if len(want) == 0 || !slices.Equal(want, list.have) {
			t.Errorf("%s declares %q, the list has %q", list.file, want, list.have)
		}
	}
}

func texts[T ~string](all []T) (out []string) {
	for _, v := range all {
		out = append(out, string(v))
	}
	return out
}
