// What pictures to make, one item each, and how: drawn here, asked of the image
// service, or enlarged from the sample that the user chose.
const { job, settings, stage } = $('Read job').first().json;

// A failure that is known already is told in the words of the callback's error.
function fail(code, message, retryable = false) {
  throw new Error(JSON.stringify({ code, message, retryable }));
}

// The sizes that creatives are published in, as the service has them.
const formats = {
  InstagramPost: [1080, 1080], InstagramStory: [1080, 1920], InstagramReel: [1080, 1920],
  FacebookPost: [1200, 630], FacebookAd: [1080, 1080], LinkedInPost: [1200, 627],
  LinkedInArticle: [1920, 1080], TwitterPost: [1600, 900], TikTok: [1080, 1920],
  YouTubeThumbnail: [1280, 720], PinterestPin: [1000, 1500], Custom: [1024, 1024],
};

function sizeOf(text) {
  const found = /^(\d{2,4})x(\d{2,4})$/.exec(text ?? '');
  return found ? [Number(found[1]), Number(found[2])] : undefined;
}

const wanted = sizeOf(job.resolution) ?? sizeOf(job.inputParameters.resolution)
  ?? formats[job.inputParameters.format] ?? formats.Custom;

// A sample has the shape of the final, and at most 512 pixels on its longer side.
function previewOf([width, height]) {
  const scale = Math.min(1, 512 / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

// FNV-1a: the same words give the same picture, however often a job comes.
function seedOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

// mulberry32, a generator of numbers from 0 to 1.
function numbersFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function colour(hue, saturation, lightness) {
  const part = (n) => {
    const k = (n + hue / 30) % 12;
    const value = lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value).toString(16).padStart(2, '0');
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

// A landscape: a sky in bands, a sun, hills. Everything is in fractions of the size,
// so that the chosen sample is the same picture when it is drawn large.
function landscape(seed, width, height) {
  const random = numbersFrom(seed);
  const hue = 360 * random();
  const short = Math.min(width, height);
  const bands = [0, 1, 2, 3, 4, 5].map((i) => ({
    color: colour((hue + 9 * i) % 360, 0.55, 0.42 + 0.07 * i),
    x0: 0, y0: Math.floor(height * 0.12 * i), x1: width, y1: height,
  }));
  const [x, y, radius] = [width * (0.2 + 0.6 * random()), height * (0.18 + 0.25 * random()), short * (0.07 + 0.08 * random())];
  const sun = { color: colour((hue + 150) % 360, 0.9, 0.82), x0: x, y0: y, x1: x + radius, y1: y };
  const hills = [0, 1, 2].map((i) => {
    const r = Math.max(width, height) * (0.55 + 0.35 * random());
    const [cx, top] = [width * (0.1 + 0.8 * random()), height * (0.58 + 0.13 * i + 0.06 * random())];
    return { color: colour((hue + 190 + 14 * i) % 360, 0.4, 0.38 - 0.1 * i), x0: cx, y0: top + r, x1: cx, y1: top };
  });
  return { background: bands[0].color, bands, sun, hills };
}

// The sizes that the models of OpenAI make; of these the one that loses least when it
// is cropped to the shape that is wanted.
function sizeToAsk(model, [width, height]) {
  const sizes = /dall-e-2/.test(model) ? [[1024, 1024]]
    : /dall-e-3/.test(model) ? [[1024, 1024], [1792, 1024], [1024, 1792]]
      : [[1024, 1024], [1536, 1024], [1024, 1536]];
  const left = ([w, h]) => Math.min(w * height, h * width) / Math.max(w * height, h * width);
  return sizes.reduce((best, size) => (left(size) > left(best) ? size : best));
}

function request(model, size) {
  return {
    model, n: 1, size: size.join('x'),
    prompt: job.styleGuidance ? `${job.inputPrompt}\n\nStyle: ${job.styleGuidance}` : job.inputPrompt,
    // The gpt-image models always answer so, and refuse the field.
    ...(/gpt-image/.test(model) ? {} : { response_format: 'b64_json' }),
  };
}

// Enlarging fills the wanted size and cuts off what stands over, the same on both sides.
function crop([fromWidth, fromHeight], [width, height]) {
  const scale = Math.max(width / fromWidth, height / fromHeight);
  return {
    x: Math.max(0, Math.floor((fromWidth * scale - width) / 2)),
    y: Math.max(0, Math.floor((fromHeight * scale - height) / 2)),
  };
}

function picture(index, how, [width, height], more) {
  return { json: { index, how, name: `${job.jobId}-${index}.png`, width, height, ...more } };
}

function drawn(index, size, seed) {
  return picture(index, 'draw', size, { model: 'n8n/edit-image', metadata: { provider: 'edit-image', seed }, art: landscape(seed, ...size) });
}

function samples() {
  const all = [];
  for (let i = 0; i < (job.inputParameters.samples ?? 4); i++) {
    if (settings.provider === 'edit-image') {
      all.push(drawn(i, previewOf(wanted), seedOf([job.inputPrompt, job.styleGuidance, job.jobId, i].join('\n'))));
    } else if (settings.provider === 'openai') {
      const size = sizeToAsk(settings.openaiModel, wanted);
      all.push(picture(i, 'ask', size, {
        model: settings.openaiModel, metadata: { provider: 'openai' }, request: request(settings.openaiModel, size),
      }));
    } else {
      fail('misconfigured', 'The picture service is not set up properly. Please tell the operator.');
    }
  }
  return all;
}

function final() {
  const sample = job.selectedSample;
  if (!sample) fail('sample_missing', 'The chosen sample is missing, so the picture cannot be finished.');
  if (sample.metadata?.provider === 'edit-image') return [drawn(0, wanted, sample.metadata.seed)];
  // A model that is asked again makes another picture, so the chosen one is enlarged.
  return [picture(0, 'enlarge', wanted, {
    model: sample.metadata?.provider === 'openai' ? settings.openaiModel : 'n8n/edit-image',
    source: sample.url, crop: crop([sample.width || wanted[0], sample.height || wanted[1]], wanted),
  })];
}

const pictures = job.jobType === 'final_generation' ? final() : samples();
return pictures.map((p) => ({ json: { ...p.json, stage, total: pictures.length } }));
