package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyTheSelfTestKnocksOut: a booth without a layer can be had from
// package attack and from nowhere else, so from no config, flag of run or
// play, or environment.
func TestOnlyTheSelfTestKnocksOut(t *testing.T) {
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			name := ""
			switch n := n.(type) {
			case *ast.CompositeLit:
				name = setsKnockOut(n)
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					if s, ok := to.(*ast.SelectorExpr); ok && (s.Sel.Name == "KnockOut" || s.Sel.Name == "Without") {
						name = s.Sel.Name
					}
				}
			}
			switch {
			case name == "" || dir == "runner" && name == "Without":
			case dir == filepath.Join("runner", "attack"):
				found++
			default:
				t.Errorf("%s sets %s", path, name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("package attack was not found to set it; does this test still look right?")
	}
}

// setsKnockOut names the field by which a literal of runner.HostOptions or
// control.Hello leaves layers out, or "".
func setsKnockOut(lit *ast.CompositeLit) string {
	s, ok := lit.Type.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "HostOptions" && s.Sel.Name != "Hello" {
		return ""
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "KnockOut" || key.Name == "Without") {
				return key.Name
			}
		}
	}
	return ""
}
