package art

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var nasty = map[string]string{
	"empty":         "",
	"blank":         " \t\n ",
	"emoji":         "🦊🔥 fox 👩‍👩‍👧‍👦 party 🎉",
	"only emoji":    "🦊🔥👩‍👩‍👧‍👦",
	"right to left": "ثعلب في الغابة \u202eabc\u202c שלום",
	"chinese":       "森林里的狐狸",
	"combining":     "Z̵̧̛̙a̷̡͎͗l̶̞̊g̸̡̈́ö",
	"control":       "a\x00b\x1b[31mred\x7f\r\nnew\u2028line\u200b",
	"bad utf-8":     "fox \xff\xfe\xc3( end",
	"long":          strings.Repeat("a very long prompt ", 220)[:4000],
	"one word":      strings.Repeat("Donaudampfschifffahrt", 190),
	"wide":          strings.Repeat("𝕎", 1000),
}

func TestNastyPrompts(t *testing.T) {
	t.Parallel()
	for name, text := range nasty {
		for _, side := range []int{64, 130, 300} {
			s := Spec{Prompt: text, Style: text, Format: text, Width: side, Height: side, Caption: true}
			once := render(t, s).Pix
			require.Equal(t, once, render(t, s).Pix, name)
		}
	}
}

func TestLegible(t *testing.T) {
	t.Parallel()
	ascii := func(r rune) bool { return r < 128 }
	for in, want := range map[string]string{
		"  A  fox\n\tand\u00a0dog ": "A fox and dog",
		"a\x00b\u200bc":             "abc",
		"🦊 fox 🔥🔥 fire":             "fox fire",
		"fox 森林 forest 狐狸":          "fox · forest ·",
		"森林里的狐狸":                    "",
		"!?":                        "",
		"":                          "",
	} {
		assert.Equal(t, want, legible(in, ascii), "%q", in)
	}
	assert.LessOrEqual(t, utf8.RuneCountInString(legible(strings.Repeat("ab ", 2000), ascii)), maxCaptionRunes+1)
}

func TestWrap(t *testing.T) {
	t.Parallel()
	fits := func(width int) func(string) bool {
		return func(s string) bool { return utf8.RuneCountInString(s) <= width }
	}
	assert.Equal(t, []string{"a fox in", "the forest"}, wrap("a fox in the forest", 3, fits(10)))
	assert.Equal(t, []string{"abcde", "fghij", "kl"}, wrap("abcdefghijkl", 3, fits(5)), "a long word is broken")
	assert.Equal(t, []string{"one two", "three…"}, wrap("one two three four five", 2, fits(8)))
	assert.Equal(t, []string{"äöü", "äöü"}, wrap("äöüäöü", 3, fits(3)))
	assert.Empty(t, wrap("abc", 3, fits(0)))
	assert.Empty(t, wrap("", 3, fits(5)))
}

func TestSmallPicturesHaveNoCaption(t *testing.T) {
	t.Parallel()
	s := Spec{Prompt: "fox", Width: 64, Height: 64}
	plain := render(t, s)
	s.Caption = true
	assert.Equal(t, plain.Pix, render(t, s).Pix)
}

// A word in two lists would mean what the map's order says: another picture at each start.
func TestLexiconIsUnambiguous(t *testing.T) {
	t.Parallel()
	assertOnce(t, hueWords)
	assertOnce(t, themeWords)
	assertOnce(t, lookWords)
	assertOnce(t, moodWords)
}

func assertOnce[K comparable](t *testing.T, lists map[K]string) {
	t.Helper()
	seen := map[string]K{}
	for k, words := range lists {
		for _, w := range strings.Fields(words) {
			if other, ok := seen[w]; ok {
				t.Errorf("%q stands for %v and %v", w, other, k)
			}
			seen[w] = k
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, text := range nasty {
		f.Add(text, "oil", "TikTok", uint64(1), 64, 80, true)
	}
	for name := range lookWords {
		f.Add("ocean", strings.Fields(lookWords[name])[0], "", uint64(name), 130, 64, false)
	}
	f.Fuzz(func(t *testing.T, prompt, style, format string, seed uint64, w, h int, caption bool) {
		w, h = MinSide+int(uint(w)%96), MinSide+int(uint(h)%96)
		img := render(t, Spec{prompt, style, format, w, h, seed, caption})
		if img.Rect.Dx() != w || img.Rect.Dy() != h || !img.Opaque() {
			t.Fatalf("%v, opaque %v", img.Rect, img.Opaque())
		}
	})
}
