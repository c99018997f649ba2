package art

// layout is where a medium leaves room for a caption.
type layout struct {
	text   float32 // size of the letters, as a share of a unit
	bottom float32 // space below, as a share of the height: apps cover it with buttons
	right  float32 // space to the right, as a share of the width
}

// layoutOf knows the media of the product; any other gets the layout of a plain picture.
func layoutOf(format string) layout {
	plain := layout{text: 0.056, bottom: 0.055, right: 0.06}
	switch format {
	case "InstagramStory":
		plain.text, plain.bottom = 0.070, 0.15
	case "InstagramReel", "TikTok":
		plain.text, plain.bottom, plain.right = 0.064, 0.20, 0.17
	case "YouTubeThumbnail":
		plain.text, plain.right = 0.098, 0.12 // the corner shows the length of the video
	case "PinterestPin":
		plain.text = 0.068
	case "FacebookAd", "TwitterPost":
		plain.text = 0.066
	case "LinkedInPost", "LinkedInArticle":
		plain.text, plain.right = 0.052, 0.30
	}
	return plain
}
