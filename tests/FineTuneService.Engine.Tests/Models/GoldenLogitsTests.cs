using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

public sealed class GoldenLogitsTests
{
    [Theory]
    [InlineData("llama"), InlineData("llama-256"), InlineData("llama-bias"), InlineData("llama-rope-dynamic"), InlineData("llama-rope-linear"), InlineData("llama-rope-llama3"), InlineData("llama-rope-yarn"), InlineData("llama-fp16"), InlineData("llama-old-config")]
    public void Forward_GoldenModel_GivesLogits(string name)
    {
        string folder = Shared.Path("golden", "models", name);
        var model = BaseModel.Load(folder, BasePrecision.Fp32);
        using var scope = NewDisposeScope();
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        var expected = BaseModel.Read(Path.Combine(folder, "expected.safetensors"));
        long[] ids = expected["input_ids"].data<long>().ToArray();
        int width = 40;
        long[] mask = expected["attention_mask"].data<long>().ToArray();
        int[][] rows = [.. Enumerable.Range(0, 2).Select(r => Enumerable.Range(0, width).Where(i => mask[r * width + i] != 0).Select(i => (int)ids[r * width + i]).ToArray())];
        var batch = new TokenBatch(rows);
        var pass = new Pass(pool);
        var hidden = decoder.Forward(batch, pass);
        long[] tokens = [.. Enumerable.Range(0, 2 * width).Where(i => mask[i] != 0).Select(i => (long)i)];
        Tensor logits = decoder.Logits(hidden, tokens, pass);
        Tensor want = expected["logits"].view(2 * width, -1).index_select(0, tensor(tokens));
        double difference = (logits - want).abs().max().item<float>();
        Assert.True(difference < 1e-4, $"{difference}");
    }
}
