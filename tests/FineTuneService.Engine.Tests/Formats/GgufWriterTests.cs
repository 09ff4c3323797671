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
        GgufLayout layout = GgufLayouts.Of(golden.Metadata, golden.Names);
        HeadCounts heads = GgufConfig.Heads(golden.Metadata);
        GgufOutput[] tensors = [.. golden.Tensors.Values.Select(tensor => new GgufOutput(tensor.Name, tensor.Type, tensor.Shape, () => Values(tensor.Name)))];
        string written = Path.Combine(folder.Path, "written.gguf");
        GgufWriter.Write(written, golden.Metadata.Values, tensors);
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(written)), "the files differ");
        Fidelity.Passed("gguf", $"{name} written", "equal bytes");

        Tensor Values(string tensor)
        {
            if (GgufRope.IsFactor(tensor)) return golden.Read(tensor).clone();
            using var scope = NewDisposeScope();
            Tensor values = model.Read(layout.ToHuggingFace(tensor)!).to_type(ScalarType.Float32);
            if (layout.OrderOf(tensor) is { } order) values = order.ToGguf(values, heads);
            if (layout.IsPlusOne(tensor)) values = values + 1;
            return values.clone().MoveToOuterDisposeScope();
        }
    }

    [Fact]
    public void ToGguf_EveryName_IsTheOtherWayRound()
    {
        foreach (GgufLayout layout in GgufLayouts.All)
        {
            foreach (string name in layout.Block.Keys.Select(name => $"blk.12.{name}.weight").Concat(layout.Outer.Keys.Select(name => name + ".weight")).Append($"blk.0.{layout.Block.Keys.First()}.bias"))
            {
                string own = layout.ToHuggingFace(name)!;
                bool stacked = own.Contains("{0}", StringComparison.Ordinal);
                Assert.Equal((name, stacked ? 7 : null), layout.ToGguf(own.Replace("{0}", "7", StringComparison.Ordinal)));
                if (stacked) Assert.Null(layout.ToGguf(own.Replace("{0}", "-7", StringComparison.Ordinal)));
            }
            Assert.Null(layout.ToHuggingFace("blk.0.ffn_gate_shexp.weight"));
            Assert.Null(layout.ToGguf($"{layout.LayerPrefix}x.self_attn.o_proj.weight"));
        }
    }

    /// <summary>A tensor made in parts is the file that it makes in one.</summary>
    [Fact]
    public void Write_TensorInParts_IsTheSameFile()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        Tensor values = arange(3 * 4 * 32, ScalarType.Float32).reshape(3, 4, 32);
        GgmlType type = GgmlTypes.All.First(type => type.Name == "Q8_0");
        string one = Path.Combine(folder.Path, "one.gguf"), three = Path.Combine(folder.Path, "three.gguf");
        GgufWriter.Write(one, [], [new GgufOutput("t", type, [3, 4, 32], () => values.alias())]);
        GgufWriter.Write(three, [], [new GgufOutput("t", type, [3, 4, 32], () => values[0], () => values[1], () => values[2])]);
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(three));
        using GgufFile file = GgufFile.Open(three);
        Assert.True(file.Read(file.Tensors["t"].Part(1)).Equals(file.Read("t")[1]));
    }
}
