// Each picture as the callback tells of it.
const { settings } = $('Read job').first().json;
const { index, total, name, width, height, model, metadata } = $('Each picture').first(1).json;
return [{
  json: {
    asset: {
      assetId: name.replace(/\.png$/, ''),
      url: settings.publicUrl + name,
      width, height, format: 'png', ...(metadata ? { metadata } : {}),
    },
    model,
    percent: Math.min(99, Math.round((100 * (index + 1)) / total)),
  },
}];
