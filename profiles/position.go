package profiles

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// positions holds the line of every key and list element of a TOML text, by
// path: "limits.memory", "rules[2].calls[0]".
type positions map[string]int

// locate walks a text that already decoded without an error. The decoder
// itself keeps positions only for its own errors, not for ours.
func locate(data []byte) (positions, error) {
	pos := positions{}
	tables := map[string]int{} // elements seen per array of tables
	var parser unstable.Parser
	parser.Reset(data)
	prefix := ""
	for parser.NextExpression() {
		node := parser.Expression()
		switch node.Kind {
		case unstable.Table:
			prefix = pos.table(&parser, tables, node)
		case unstable.ArrayTable:
			name := pos.key(&parser, "", node)
			prefix = fmt.Sprintf("%s[%d]", name, tables[name])
			tables[name]++
			pos[prefix] = keyLine(&parser, node)
		case unstable.KeyValue:
			pos.keyValue(&parser, prefix, node)
		}
	}
	return pos, parser.Error()
}

// LineOf returns the line of a key in a TOML text that decodes, by its path,
// such as "mappings[2].trigger.note", or of the nearest thing around it.
func LineOf(data []byte, path string) int {
	pos, err := locate(data)
	if err != nil {
		return 1
	}
	return pos.line(path)
}

// table notes the key of a [table]. Below an array of tables it belongs to the
// last one there is.
func (pos positions) table(parser *unstable.Parser, arrays map[string]int, node *unstable.Node) string {
	path := ""
	for it := node.Key(); it.Next(); {
		if path != "" {
			path += "."
		}
		path += string(it.Node().Data)
		if n := arrays[path]; n > 0 && !it.IsLast() {
			path += fmt.Sprintf("[%d]", n-1)
		}
	}
	pos[path] = keyLine(parser, node)
	return path
}

// line returns the line of path, or of the nearest thing around it.
func (pos positions) line(path string) int {
	for path != "" {
		if line, ok := pos[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

// foldedKey returns the path with the smallest line that is not in lower
// case.
func (pos positions) foldedKey() (path string, ok bool) {
	for p := range pos {
		if p == strings.ToLower(p) {
			continue
		}
		if !ok || pos[p] < pos[path] || pos[p] == pos[path] && p < path {
			path, ok = p, true
		}
	}
	return path, ok
}

// key notes the key of a table or key-value node and returns its path.
func (pos positions) key(parser *unstable.Parser, prefix string, node *unstable.Node) string {
	path := prefix
	for it := node.Key(); it.Next(); {
		if path != "" {
			path += "."
		}
		path += string(it.Node().Data)
	}
	pos[path] = keyLine(parser, node)
	return path
}

func (pos positions) keyValue(parser *unstable.Parser, prefix string, node *unstable.Node) {
	path := pos.key(parser, prefix, node)
	pos.value(parser, path, node.Value())
}

func (pos positions) value(parser *unstable.Parser, path string, node *unstable.Node) {
	if node.Raw.Length > 0 {
		pos[path] = parser.Shape(node.Raw).Start.Line
	}
	switch node.Kind {
	case unstable.Array:
		i := 0
		for it := node.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			pos.value(parser, fmt.Sprintf("%s[%d]", path, i), it.Node())
			i++
		}
	case unstable.InlineTable:
		for it := node.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				pos.keyValue(parser, path, it.Node())
			}
		}
	}
}

func keyLine(parser *unstable.Parser, node *unstable.Node) int {
	it := node.Key()
	it.Next()
	return parser.Shape(it.Node().Raw).Start.Line
}

func dotted(key []string) string { return strings.Join(key, ".") }
