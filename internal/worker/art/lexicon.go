package art

import "strings"

// wordHue gives the hue of a word in OKLCh degrees: colours by name, things by the
// colour one thinks of first.
var wordHue = invert(map[float64]string{
	5:   "rose love heart valentine strawberry berry",
	15:  "wine crimson blood cherry ruby",
	27:  "red scarlet tomato lava christmas chili",
	38:  "sunset coral fire flame volcano pizza salmon",
	48:  "fox rust copper autumn brick terracotta mars",
	55:  "orange tiger pumpkin peach dawn sunrise spice",
	65:  "brown coffee chocolate bread wood leather dog cat desert",
	75:  "amber sand beach beige caramel cookie dune beer",
	86:  "gold golden honey lion sun wheat luxury bee",
	102: "yellow lemon banana sunflower summer cheese",
	122: "lime spring meadow avocado tea salad matcha",
	136: "grass leaf garden plant eco organic fresh bamboo",
	148: "green forest jungle tree wood frog nature emerald",
	165: "mint jade sage pine aurora",
	188: "teal turquoise lagoon tropical reef",
	205: "cyan aqua lake water pool diamond",
	222: "ocean sea river wave surf fish whale rain ice",
	240: "azure sky winter snow glacier mountain cloud cool",
	258: "blue sapphire denim tech robot data finance bank",
	270: "navy indigo night midnight moon city storm",
	288: "space galaxy cosmic cosmos universe star dream",
	302: "violet purple lavender grape wizard magic dusk",
	325: "magenta fuchsia neon cyberpunk disco party music",
	348: "pink blossom flower flamingo candy unicorn fashion spa",
})

// wordTheme gives what a word asks to see.
var wordTheme = invert(map[theme]string{
	themeMountains: "mountain hill alps valley peak hike hiking landscape canyon volcano glacier winter snow camping eagle wolf meadow autumn sunrise",
	themeForest:    "forest wood jungle tree fox bear deer nature pine owl garden bamboo plant leaf",
	themeDesert:    "desert dune sand sahara camel cactus mars safari lion",
	themeOcean:     "ocean sea wave beach lake river whale fish boat ship surf island water sail lagoon summer reef sunset holiday",
	themeCity:      "city street skyline building urban tower downtown tokyo london paris berlin york town office bank cyberpunk architecture",
	themeSpace:     "space galaxy star planet cosmos cosmic universe moon rocket astronaut alien orbit nebula",
	themeBokeh:     "party light festive christmas celebration romantic love romance valentine wedding birthday bokeh champagne sparkle glitter",
	themeTiles:     "geometric bauhaus pattern logo brand sale poster mosaic shape tile discount launch memphis",
	themeShards:    "tech crystal robot data polygon diamond finance startup digital ai sport energy glass gem",
	themeRibbons:   "music flow fashion dance silk speed wallpaper ribbon podcast jazz cosmetics beauty car curve paper",
	themeMarble:    "marble smoke fluid perfume dream ink abstract liquid coffee spa yoga tea aurora magic luxury",
})

// wordMood gives what a word does to light and colour.
var wordMood = func() map[string]func(*mood) {
	all := map[string]func(*mood){}
	for words, change := range map[string]func(*mood){
		"night midnight moon star space galaxy dark noir neon cyberpunk cosmos aurora nebula": func(m *mood) { m.night = true },
		"sunset sunrise dusk dawn evening twilight":                                           func(m *mood) { m.sunset = true },
		"winter snow snowy ice icy frozen glacier arctic alps":                                func(m *mood) { m.snow = true; m.chroma *= 0.85; m.light += 0.03 },
		"black coal gothic":                     func(m *mood) { m.chroma *= 0.5; m.light -= 0.08; m.night = true },
		"white clean bright airy ivory":         func(m *mood) { m.chroma *= 0.75; m.light += 0.06 },
		"grey gray silver concrete monochrome":  func(m *mood) { m.chroma *= 0.25 },
		"muted calm soft subtle elegant foggy":  func(m *mood) { m.chroma *= 0.7 },
		"pastel baby gentle":                    func(m *mood) { m.chroma *= 0.7; m.light += 0.08 },
		"vivid vibrant bold colourful colorful": func(m *mood) { m.chroma *= 1.3 },
		"moody dramatic stormy gloomy":          func(m *mood) { m.light -= 0.07; m.chroma *= 0.85 },
	} {
		for _, w := range strings.Fields(words) {
			all[w] = change
		}
	}
	return all
}()

// invert turns lists of words by meaning into the meaning by word. No word may stand in
// two lists: the winner would depend on the map's order. A test holds that.
func invert[V comparable](lists map[V]string) map[string]V {
	out := map[string]V{}
	for meaning, words := range lists {
		for _, w := range strings.Fields(words) {
			out[w] = meaning
		}
	}
	return out
}
