using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Benchmarks.Loading;

/// <summary>
/// How fast a 135M checkpoint becomes a base model, from files that the system holds in memory, and how much memory that takes at its peak
/// beside the weights: the figures of docs/performance.md. Beside it what one thread copies from memory to fresh memory.
/// </summary>
internal static class LoadSpeeds
{
    private const int Rounds = 5;

    public static int Run()
    {
        string root = Directory.CreateTempSubdirectory("finetune-load-").FullName;
        try
        {
            Console.WriteLine($"{"135M checkpoint",-44}{"file MB",10}{"GB/s",8}{"ms",8}");
            foreach ((string name, string path, BasePrecision precision) in Files(root))
            {
                double bytes = ModelText.WeightBytes(path), seconds = Best(() => BaseModel.Load(path, precision).Dispose());
                Console.WriteLine($"{name,-44}{bytes / 1e6,10:F0}{bytes / 1e9 / seconds,8:F2}{seconds * 1e3,8:F0}");
            }
            using Tensor from = ones(64 << 20);
            double copy = Best(() => from.clone().Dispose());
            Console.WriteLine($"{"memory to fresh memory, libtorch's clone",-44}{256 << 20 >> 20,10}{(256 << 20) / 1e9 / copy,8:F2}{copy * 1e3,8:F0}");
            return 0;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static IEnumerable<(string Name, string Path, BasePrecision Precision)> Files(string root)
    {
        string fp32 = Path.Combine(root, "fp32"), bf16 = Path.Combine(root, "bf16");
        using (BaseModel model = BaseModel.Random(SmolShape.Config, BasePrecision.Fp32, seed: 1))
        {
            model.Save(fp32, ComputeDtype.Fp32);
            model.Save(bf16, ComputeDtype.Bf16);
        }
        yield return ("fp32 safetensors, in fp32", fp32, BasePrecision.Fp32);
        yield return ("bf16 safetensors, in bf16", bf16, BasePrecision.Bf16);
        yield return ("bf16 safetensors, in fp32", bf16, BasePrecision.Fp32);
        foreach (GgufFileType type in (GgufFileType[])[GgufFileType.F16, GgufFileType.Q8_0, GgufFileType.Q4_0])
        {
            string path = Path.Combine(root, $"{type}.gguf");
            GgufExport.Write(bf16, path, type, "bench");
            yield return ($"{type} GGUF, in fp32", path, BasePrecision.Fp32);
        }
    }

    private static double Best(Action load) => Enumerable.Range(0, Rounds).Min(_ => Samples.Seconds(load));
}
