using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>A cache in blocks, and prompts read in chunks, change no answer.</summary>
public sealed class BlockCacheTests
{
    [Theory]
    [InlineData(new[] { 200 })]
    [InlineData(new[] { 64, 64, 64, 8 })]
    [InlineData(new[] { 63, 1, 1, 100, 35 })]
    [InlineData(new[] { 7, 130, 1, 1, 1, 60 })]
    public void Forward_PromptInChunks_GivesTheLogitsOfTheWholeSequence(int[] chunks)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = Talers.Load();
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        using CachedSequence sequence = new KvCache(model.Config.CacheShape, ScalarType.Float32, CPU).Begin();
        int[] ids = Talers.Prompt(chunks.Sum());
        Tensor whole = Logits(decoder, new TokenBatch([ids]), pool);
        for (int done = 0, chunk = 0; chunk < chunks.Length; done += chunks[chunk++])
        {
            var batch = new TokenBatch([ids[done..(done + chunks[chunk])]], [sequence]);
            Tensor made = Logits(decoder, batch, pool), wanted = whole.narrow(0, done, chunks[chunk]);
            batch.Advance();
            Assert.InRange(((made - wanted).abs().max() / wanted.abs().max()).item<float>(), 0, 1e-5f);
        }
        Assert.Equal((ids.Length + KvCache.BlockTokens - 1) / KvCache.BlockTokens, sequence.Blocks.Count);
    }

    [Theory, InlineData(QuantizationType.None), InlineData(QuantizationType.Nf4)]
    public void Step_PromptInChunks_DrawsTheIdsOfTheWholePrompt(QuantizationType quantization)
    {
        using BaseModel model = Talers.Load(quantization: quantization);
        using Generator whole = new(model, 4, 256, null, 4096), chunked = new(model, 4, 256, null, promptTokens: 32);
        int[][] prompts = [Talers.Prompt(150, 1), Talers.Prompt(3, 2), Talers.Prompt(64, 3), Talers.Prompt(33, 4)];
        Talers.Heard[] wanted = [.. prompts.Select(prompt => whole.Ask(prompt))], made = [.. prompts.Select(prompt => chunked.Ask(prompt))];
        whole.Finish();
        chunked.Finish();
        Assert.All(wanted.Zip(made), pair => Assert.Equal(pair.First.Ids, pair.Second.Ids));
    }

    [Fact]
    public void Step_LongAndShortAnswers_KeepsTensorsFlatAndGivesBlocksBack()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, maxRows: 4, capacity: 256);
        void Ask(int round)
        {
            for (int i = 0; i < 8; i++) generator.Ask(Talers.Prompt(1 + (round * 37 + i * 53) % 200, i), parameters: Talers.Greedy with { MaxTokens = 1 + i * 5 });
            generator.Finish();
        }
        for (int round = 0; round < 20; round++) Ask(round);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long tensors = Tensor.TotalCount;
        for (int round = 0; round < 20; round++) Ask(round);
        // 160 answers; the pool may hold a buffer more where lengths met in another order.
        Assert.InRange(Tensor.TotalCount, 0, tensors + 16);
    }

    private static Tensor Logits(Decoder decoder, TokenBatch batch, BufferPool pool)
    {
        var pass = new Pass(pool);
        Tensor logits = decoder.Logits(decoder.Forward(batch, pass), [.. Enumerable.Range(0, batch.Ids.Length).Select(i => (long)i)], pass).clone();
        pool.ReturnAll();
        return logits;
    }
}
