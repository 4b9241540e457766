package profiles

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// sizeUnits are looked up in this order: "B" ends all of them.
var sizeUnits = [...]struct {
	name  string
	bytes uint64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1},
}

// parseSize reads a size such as "64MiB": a whole number and B, KiB, MiB or
// GiB. The result fits an int64.
func parseSize(text string) (uint64, error) {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil {
			break
		}
		if n > math.MaxInt64/unit.bytes {
			return 0, fmt.Errorf("size %q is too large", text)
		}
		return n * unit.bytes, nil
	}
	return 0, fmt.Errorf("size %q: want a whole number and B, KiB, MiB or GiB", text)
}

func parseSizeOrUnlimited(text string) (uint64, error) {
	if text == "unlimited" {
		return Unlimited, nil
	}
	return parseSize(text)
}

// maxCores bounds a CPU share; the kernel's own bound depends on the period.
const maxCores = 1024

// parseShare reads a share of one core such as "50%" and returns cores.
func parseShare(text string) (float64, error) {
	digits, ok := strings.CutSuffix(text, "%")
	if !ok || strings.Trim(digits, "0123456789.") != "" {
		return 0, fmt.Errorf("share %q: want a number and %%", text)
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || v < 1 || v > 100*maxCores {
		return 0, fmt.Errorf("share %q: want 1%% to %d%%", text, 100*maxCores)
	}
	return v / 100, nil
}

func parseTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("duration %q: want a number and ms, s or m", text)
	}
	if d <= 0 || d > time.Hour {
		return 0, fmt.Errorf("duration %q: want more than 0s, at most 1h", text)
	}
	return d, nil
}

// ParseSize reads a size as profiles have it, such as "64MiB": a whole number
// and B, KiB, MiB or GiB. The config file has sizes, too.
func ParseSize(text string) (uint64, error) { return parseSize(text) }

// maxCPU is the highest processor number a kernel can be built for, plus one:
// NR_CPUS of x86 (arch/x86/Kconfig).
const maxCPU = 8192

// parseCPUs reads a list of processors as the kernel prints it, "0-1,3", in
// ascending order, or "all", which gives nil.
func parseCPUs(text string) ([]int, error) {
	if text == "all" {
		return nil, nil
	}
	var list []int
	for item := range strings.SplitSeq(text, ",") {
		firstText, lastText, ranged := strings.Cut(item, "-")
		first, err := parseCPU(firstText)
		last := first
		if err == nil && ranged {
			last, err = parseCPU(lastText)
		}
		if err != nil || last < first || len(list) > 0 && first <= list[len(list)-1] {
			return nil, fmt.Errorf(`processors %q: want "all" or a list such as "0-1,3", ascending`, text)
		}
		for cpu := first; cpu <= last; cpu++ {
			list = append(list, cpu)
		}
	}
	return list, nil
}

func parseCPU(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil && n >= maxCPU {
		err = strconv.ErrRange
	}
	return int(n), err
}

// textCPUs is the reverse of parseCPUs.
func textCPUs(list []int) string {
	if list == nil {
		return "all"
	}
	var items []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		item := strconv.Itoa(list[i])
		if j > i {
			item += "-" + strconv.Itoa(list[j])
		}
		items = append(items, item)
		i = j + 1
	}
	return strings.Join(items, ",")
}
