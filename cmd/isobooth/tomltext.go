package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// tomlField is a key with its value, for a table in a fixed order.
type tomlField struct {
	key   string
	value any
}

// maxTOMLDepth bounds how deep a value that we write is nested.
const maxTOMLDepth = 32

// tomlTable writes an inline table.
func tomlTable(fields []tomlField) (string, error) {
	return tomlInline(fields, 0)
}

// tomlValue writes what a JSON or TOML decoder made, on one line.
func tomlValue(v any) (string, error) { return tomlDeep(v, 0) }

func tomlDeep(v any, depth int) (string, error) {
	if depth > maxTOMLDepth {
		return "", fmt.Errorf("nested deeper than %d", maxTOMLDepth)
	}
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return "", fmt.Errorf("text %q is not UTF-8", v)
		}
		return tomlString(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return tomlFloat(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
		f, err := v.Float64()
		if err != nil {
			return "", fmt.Errorf("number %s: %w", v, errors.Unwrap(err))
		}
		return tomlFloat(f)
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			text, err := tomlDeep(e, depth+1)
			if err != nil {
				return "", err
			}
			list[i] = text
		}
		return "[" + strings.Join(list, ", ") + "]", nil
	case map[string]any:
		var fields []tomlField
		for key, value := range v {
			fields = append(fields, tomlField{key, value})
		}
		slices.SortFunc(fields, func(a, b tomlField) int { return strings.Compare(a.key, b.key) })
		return tomlInline(fields, depth+1)
	case nil:
		return "", errors.New("TOML has no null")
	case time.Time:
		return "", errors.New("a date is no JSON value")
	}
	return "", fmt.Errorf("a value of type %T is no JSON value", v)
}

func tomlInline(fields []tomlField, depth int) (string, error) {
	if len(fields) == 0 {
		return "{}", nil
	}
	list := make([]string, len(fields))
	for i, f := range fields {
		if !utf8.ValidString(f.key) {
			return "", fmt.Errorf("key %q is not UTF-8", f.key)
		}
		text, err := tomlDeep(f.value, depth)
		if err != nil {
			return "", fmt.Errorf("%q: %w", f.key, err)
		}
		list[i] = tomlKey(f.key) + " = " + text
	}
	return "{ " + strings.Join(list, ", ") + " }", nil
}

// tomlFloat writes a number so that it is read as a float again.
func tomlFloat(f float64) (string, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", fmt.Errorf("%v is no JSON value", f)
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text, nil
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(key string) string {
	if bareKey.MatchString(key) {
		return key
	}
	return tomlString(key)
}

// tomlString writes a basic string (TOML 1.0, "String").
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		// Also what a terminal or an editor would not show as it is: C1
		// controls, and marks that change the direction of text.
		case !strconv.IsPrint(r):
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08X`, r)
			} else {
				fmt.Fprintf(&b, `\u%04X`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// parseParams reads a JSON object whose values TOML can hold.
func parseParams(text string) (map[string]any, error) {
	var params map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&params); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if d.More() {
		return nil, errors.New("more than one JSON object")
	}
	if _, err := tomlValue(params); err != nil {
		return nil, err
	}
	return params, nil
}
