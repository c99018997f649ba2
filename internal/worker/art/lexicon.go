package art

import "strings"

// wordHue gives the hue of a word in OKLCh degrees: colours by name, things by the
// colour one thinks of first.
var wordHue = invert(hueWords)

var hueWords = map[float64]string{
	5:   "rose love heart valentine strawberry berry",
	15:  "wine crimson blood cherry ruby",
	27:  "red scarlet tomato lava christmas chili",
	38:  "sunset coral fire flame volcano pizza salmon",
	48:  "fox rust copper autumn brick terracotta mars",
	55:  "orange tiger pumpkin peach dawn sunrise spice",
	65:  "brown coffee chocolate bread leather dog cat desert",
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
}

// wordTheme gives what a word asks to see.
var wordTheme = invert(themeWords)

var themeWords = map[theme]string{
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
}

// effect is what a word does to light and colour.
type effect int

const (
	effectNight effect = iota
	effectSunset
	effectSnow
	effectBlack
	effectBright
	effectGrey
	effectMuted
	effectPastel
	effectVivid
	effectMoody
)

var wordEffect = invert(moodWords)

var moodWords = map[effect]string{
	effectNight:  "night midnight moon star space galaxy dark noir neon cyberpunk cosmos aurora nebula",
	effectSunset: "sunset sunrise dusk dawn evening twilight",
	effectSnow:   "winter snow snowy ice icy frozen glacier arctic alps",
	effectBlack:  "black coal gothic",
	effectBright: "white clean bright airy ivory",
	effectGrey:   "grey gray silver concrete monochrome",
	effectMuted:  "muted calm soft subtle elegant foggy misty",
	effectPastel: "pastel baby gentle",
	effectVivid:  "vivid vibrant bold colourful colorful",
	effectMoody:  "moody dramatic stormy gloomy",
}

// apply changes the mood by one word.
func (e effect) apply(m *mood) {
	switch e {
	case effectNight:
		m.night = true
	case effectSunset:
		m.sunset = true
	case effectSnow:
		m.snow, m.chroma, m.light = true, m.chroma*0.85, m.light+0.03
	case effectBlack:
		m.night, m.chroma, m.light = true, m.chroma*0.5, m.light-0.08
	case effectBright:
		m.chroma, m.light = m.chroma*0.75, m.light+0.06
	case effectGrey:
		m.chroma *= 0.25
	case effectMuted:
		m.chroma *= 0.8
	case effectPastel:
		m.chroma, m.light = m.chroma*0.7, m.light+0.08
	case effectVivid:
		m.chroma *= 1.3
	case effectMoody:
		m.chroma, m.light = m.chroma*0.85, m.light-0.07
	}
}

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
