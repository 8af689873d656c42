// A video from an asset by the AI SDK: prints what came of it as JSON. Arguments: the emulator's address, the asset's.
import { createByteDance } from '@ai-sdk/bytedance';
import { experimental_generateVideo as generateVideo } from 'ai';

const [url, asset] = process.argv.slice(2);
const byteDance = createByteDance({ baseURL: `${url}/api/v3`, apiKey: process.env.ARK_API_KEY });
// The SDK's own download refuses addresses of this machine.
const download = async ({ url }) => {
  const answer = await fetch(url);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get('content-type') };
};
try {
  const { video, warnings, providerMetadata } = await generateVideo({
    model: byteDance.video('dreamina-seedance-2-0-260128'),
    prompt: 'She waves.',
    aspectRatio: '16:9',
    duration: 5,
    resolution: '1280x720',
    maxRetries: 0,
    download,
    providerOptions: { bytedance: { referenceImages: [asset], pollIntervalMs: 10, watermark: false } },
  });
  const begin = Array.from(video.uint8Array.slice(4, 8));
  console.log(JSON.stringify({ begin, mediaType: video.mediaType, warnings, metadata: providerMetadata.bytedance }));
} catch (error) {
  console.log(JSON.stringify({ name: error.name, message: error.message, status: error.statusCode }));
}
