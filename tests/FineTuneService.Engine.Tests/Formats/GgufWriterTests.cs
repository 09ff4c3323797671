using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Formats;

/// <summary>GGUF files written of golden models, against those that gguf-py wrote of them.</summary>
public sealed class GgufWriterTests
{
    public static TheoryData<string> Files() => Shared.Entries("golden/models/gguf", "*.gguf");

    /// <summary>From the Hugging Face folder's values, with names, layout and types of the converter: equal bytes, the whole file.</summary>
    [Theory, MemberData(nameof(Files))]
    public void Write_GoldenModel_EqualsGgufsFile(string name)
    {
        string path = Shared.Path("golden/models/gguf", name);
        using var folder = new TemporaryFolder();
        using var golden = GgufFile.Open(path);
        using var model = ModelFiles.Open(Shared.Path("golden/models", name.Split('.')[0]));
        if (golden.Tensors.Values.FirstOrDefault(tensor => tensor.Type.Encode is null) is { } unwritten) Assert.Skip($"{unwritten.Type.Name} is read and not written");
        GgufLayout layout = GgufLayout.Of(golden.Metadata);
        int heads = golden.Metadata.Whole(golden.Metadata.Own("attention.head_count"), 1, 1000)!.Value, keyValueHeads = golden.Metadata.Whole(golden.Metadata.Own("attention.head_count_kv"), 1, 1000)!.Value;
        GgufOutput[] tensors = [.. golden.Tensors.Values.Select(tensor => new GgufOutput(tensor.Name, tensor.Type, tensor.Shape, () => Values(tensor.Name)))];
        string written = Path.Combine(folder.Path, "written.gguf");
        GgufWriter.Write(written, golden.Metadata.Values, tensors);
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(written)), "the files differ");
        Fidelity.Passed("gguf", $"{name} written", "equal bytes");

        Tensor Values(string tensor)
        {
            if (GgufConfig.IsRopeFactor(tensor)) return golden.Read(tensor).clone();
            using var scope = NewDisposeScope();
            Tensor values = model.Read(layout.ToHuggingFace(tensor)!).to_type(ScalarType.Float32);
            if (layout.PairedHeads(tensor, heads, keyValueHeads) is { } paired) values = HeadRows.ToPairs(values, paired);
            if (layout.IsPlusOne(tensor)) values = values + 1;
            return values.clone().MoveToOuterDisposeScope();
        }
    }

    [Fact]
    public void ToGguf_EveryName_IsTheOtherWayRound()
    {
        foreach (GgufLayout layout in GgufLayout.All)
        {
            foreach (string name in layout.BlockNames.Keys.Select(name => $"blk.12.{name}.weight").Concat(["token_embd.weight", "output.weight", "output_norm.weight", "blk.0.attn_output.bias"]))
                Assert.Equal(name, layout.ToGguf(layout.ToHuggingFace(name)!));
            Assert.Null(layout.ToHuggingFace("blk.0.ffn_gate_exps.weight"));
            Assert.Null(layout.ToGguf("model.layers.x.self_attn.o_proj.weight"));
        }
    }
}
