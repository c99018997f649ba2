const { job, stage, settings } = $('Read job').first().json;
const made = $input.all().map((item) => item.json);
const assets = made.map((m) => m.asset);
const results = { aiModelUsed: made[0].model };
if (stage === 'final_asset_generated') {
  Object.assign(results, { finalAssetId: assets[0].assetId, finalAsset: assets[0] });
} else {
  results.sampleAssets = assets;
}
return [{
  json: {
    callback: job.callback,
    proof: settings.proof,
    report: { generationId: job.generationId, jobId: job.jobId, status: 'success', stage, results },
  },
}];
