package conductor

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// headings returns the lines of the tables of each array, by its dotted name.
func headings(data []byte) map[string][]int {
	lines := map[string][]int{}
	var parser unstable.Parser
	parser.Reset(data)
	for parser.NextExpression() {
		node := parser.Expression()
		if node.Kind != unstable.ArrayTable {
			continue
		}
		var name []string
		line := 0
		for it := node.Key(); it.Next(); {
			if line == 0 {
				line = parser.Shape(it.Node().Raw).Start.Line
			}
			name = append(name, string(it.Node().Data))
		}
		path := strings.Join(name, ".")
		lines[path] = append(lines[path], line)
	}
	return lines
}

// tooDeep reports whether brackets or dotted keys nest deeper than maxDepth,
// outside of strings and comments. The decoder goes down for each level.
func tooDeep(data []byte) bool {
	depth, dots := 0, 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '#':
			for i+1 < len(data) && data[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			i = afterString(data, i) - 1
		case '\n':
			dots = 0
		case '.':
			dots++
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth > maxDepth || dots > maxDepth {
			return true
		}
	}
	return false
}

// afterString returns where the string that begins at i ends (TOML 1.0,
// "String"); where it does not, the end of its line or of the text.
func afterString(data []byte, i int) int {
	quote := data[i]
	long := i+2 < len(data) && data[i+1] == quote && data[i+2] == quote
	if long {
		i += 2
	}
	for i++; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\' && quote == '"':
			i++
		case c == quote && !long:
			return i + 1
		case c == quote && i+2 < len(data) && data[i+1] == quote && data[i+2] == quote:
			return i + 3
		case c == '\n' && !long:
			return i
		}
	}
	return len(data)
}
