using FineTuneService.Device;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Benchmarks.P9;

/// <summary>P9: how long a chat request takes while a job trains on the same device and the same base, over what it takes alone.</summary>
internal static class ChatDuringTraining
{
    private const int Requests = 30;
    private static readonly TimeSpan LimitOfHalf = TimeSpan.FromSeconds(40);
    private const double MostOverIdle = 2.0;

    /// <returns>0 if chat goes on fast enough.</returns>
    public static int Run(ComputeDtype dtype)
    {
        Console.WriteLine("P9: chat (64 prompt and 16 answer tokens) one a second, 135M Llama shape in nf4 with double quantization and " +
            $"{DtypeOption.Name(dtype)}, alone and during a QLoRA job on it (rank 8, 4×256 tokens)");
        // Ids beyond this tokenizer's are not text, and decode to nothing.
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(AppContext.BaseDirectory, "BaseModel", "talers-2m"));
        using var lease = new DeviceLease(Options.Create(new FineTuneOptions()), TimeProvider.System);
        var precision = new BasePrecision(dtype, QuantizationType.Nf4, DoubleQuantization: true);
        BaseModel model = On(lease, () => BaseModel.Random(SmolShape.Config, precision, seed: 1, tokenizer));
        Generator generator = On(lease, () =>
        {
            var made = new Generator(model, maxRows: 8, capacity: 512);
            lease.AddStepper(made.Step);
            return made;
        });
        bool holds = Compare(lease, model, generator);
        On(lease, () =>
        {
            lease.RemoveStepper(generator.Step);
            generator.Dispose();
            model.Dispose();
            return true;
        });
        return holds ? 0 : 1;
    }

    private static bool Compare(DeviceLease lease, BaseModel model, Generator generator)
    {
        var chat = new ChatLoad(lease, generator);
        chat.Ask(3, LimitOfHalf);
        double[] idle = chat.Ask(Requests / 2, LimitOfHalf), busy = [];
        double stepAlone, stepBeside;
        using (var training = new TrainingLoad(lease, model))
        {
            training.WarmUp();
            stepAlone = training.StepSeconds(3);
            stepBeside = training.StepSecondsDuring(() => busy = chat.Ask(Requests, 2 * LimitOfHalf));
        }
        // Half of the idle requests after the others: a machine that others use drifts.
        idle = [.. idle, .. chat.Ask(Requests / 2, LimitOfHalf)];
        Print("alone", idle);
        Print("during training", busy);
        Console.WriteLine($"a training step beside it takes {stepBeside / stepAlone:F2}× what it takes alone ({stepAlone:F2} s)");
        double ratio = Samples.Median(busy) / Samples.Median(idle);
        return Limits.Holds($"chat's p50 during training {ratio:F2}× its idle p50, at most {MostOverIdle}×", ratio <= MostOverIdle);
    }

    private static void Print(string when, double[] seconds)
    {
        double[] sorted = [.. seconds.Order()];
        Console.WriteLine($"{when,-16} {sorted.Length} requests, p50 {Samples.Median(seconds) * 1e3,5:F0} ms, p95 {sorted[sorted.Length * 95 / 100] * 1e3,5:F0} ms, " +
            $"fastest {sorted[0] * 1e3,5:F0} ms");
    }

    private static T On<T>(DeviceLease lease, Func<T> work) => lease.Serve("benchmark", work).GetAwaiter().GetResult();
}
