package console

import (
	"math"
	"strconv"

	"github.com/creativeflow/aigen"
)

// formatNames are for people; the contract's names are for machines.
var formatNames = map[aigen.Format]string{
	"InstagramPost": "Instagram post", "InstagramStory": "Instagram story", "InstagramReel": "Instagram reel",
	"FacebookPost": "Facebook post", "FacebookAd": "Facebook ad", "LinkedInPost": "LinkedIn post",
	"LinkedInArticle": "LinkedIn article", "TwitterPost": "Twitter post", "TikTok": "TikTok",
	"YouTubeThumbnail": "YouTube thumbnail", "PinterestPin": "Pinterest pin", "Custom": "Custom size",
}

const customFormat aigen.Format = "Custom"

func formatName(f aigen.Format) string {
	if name, ok := formatNames[f]; ok {
		return name
	}
	return formatNames[customFormat]
}

// shape is a rectangle of a format, drawn in a box of shapeBox.
type shape struct{ X, Y, Width, Height int }

const shapeBox = 40

func shapeOf(r aigen.Resolution) shape {
	const side = shapeBox - 4
	longer := max(r.Width, r.Height, 1)
	s := shape{Width: max(6, r.Width*side/longer), Height: max(6, r.Height*side/longer)}
	s.X, s.Y = (shapeBox-s.Width)/2, (shapeBox-s.Height)/2
	return s
}

// formatChoice is one of the formats to choose from.
type formatChoice struct {
	Value      aigen.Format
	Name       string
	Resolution aigen.Resolution
	Shape      shape
	Ratio      string // "1:1"
}

func formatChoices() []formatChoice {
	all := aigen.Formats()
	choices := make([]formatChoice, len(all))
	for i, f := range all {
		r := f.Resolution()
		choices[i] = formatChoice{Value: f, Name: formatName(f), Resolution: r, Shape: shapeOf(r), Ratio: ratioText(r)}
	}
	return choices
}

// ratioText is "16:9" where the sides have a small common measure, else "1.91:1".
func ratioText(r aigen.Resolution) string {
	w, h := max(r.Width, 1), max(r.Height, 1)
	a, b := w, h
	for b != 0 {
		a, b = b, a%b
	}
	if w/a <= 20 && h/a <= 20 {
		return strconv.Itoa(w/a) + ":" + strconv.Itoa(h/a)
	}
	return strconv.FormatFloat(float64(w)/float64(h), 'f', 2, 64) + ":1"
}

// ratios are the shapes that the style sheet knows, as width by height in hundredths:
// no style may stand in the page itself.
var ratios = []int{40, 56, 67, 80, 100, 125, 150, 178, 191, 240}

// ratioClass is the class of the ratio that comes nearest.
func ratioClass(width, height int) string {
	if width <= 0 || height <= 0 {
		return "r-100"
	}
	at := math.Log(float64(width) / float64(height))
	best, distance := 100, math.Inf(1)
	for _, r := range ratios {
		if d := math.Abs(at - math.Log(float64(r)/100)); d < distance {
			best, distance = r, d
		}
	}
	return "r-" + strconv.Itoa(best)
}
