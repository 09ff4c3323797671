using System.Diagnostics;
using System.Globalization;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Benchmarks.P1;

/// <summary>
/// A fresh process for each variant, so that its peak memory and its allocator's state are its own. It does what each line of its
/// input says, and answers with a line of numbers: so two variants can take turns, and a neighbour's load falls on both alike.
/// </summary>
internal sealed class VariantProcess : IDisposable
{
    public const string Marker = "--p1-variant";
    private readonly Process _process;

    public VariantProcess(string variant, ComputeDtype dtype)
    {
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet") start.ArgumentList.Add(typeof(VariantProcess).Assembly.Location);
        start.ArgumentList.Add(Marker);
        start.ArgumentList.Add(variant);
        start.ArgumentList.Add(DtypeOption.Name(dtype));
        _process = Process.Start(start)!;
    }

    /// <summary>One step.</summary>
    public (double Seconds, double Loss) Step() => Ask("step") is [var seconds, var loss] ? (seconds, loss) : throw Ended();

    /// <summary>The matrix products alone, once.</summary>
    /// <returns>Seconds.</returns>
    public double Bound() => Ask("bound")[0];

    /// <summary>VmHWM so far, in bytes.</summary>
    public double Peak() => Ask("peak")[0];

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>What runs in that process.</summary>
    public static int Serve(string variant, ComputeDtype dtype)
    {
        using BaseModel model = BaseModel.Random(SmolShape.Config, new BasePrecision(dtype), Workload.Seed);
        using Adapter adapter = Adapter.Create(model, Workload.Training.Lora!, Workload.Seed);
        using IVariant steps = variant == "engine" ? new EngineVariant(model, adapter) : new EagerVariant(model, adapter);
        MatrixBound? bound = null; // made when it is first asked for: its buffers are not the variant's memory
        while (Console.ReadLine() is { } request)
        {
            switch (request)
            {
                case "step":
                    double loss = 0;
                    Answer(Samples.Seconds(() => loss = steps.Step()), loss);
                    break;
                case "bound":
                    bound ??= new MatrixBound(model.Config, model.Weights, Workload.Training.Lora!.Rank, Workload.Rows, Workload.Length);
                    Answer(Samples.Seconds(bound.Run));
                    break;
                default:
                    Answer(PeakMemory.Bytes);
                    break;
            }
        }
        bound?.Dispose();
        return 0;
    }

    private static void Answer(params double[] numbers) =>
        Console.WriteLine(string.Join(' ', numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture))));

    private double[] Ask(string request)
    {
        _process.StandardInput.WriteLine(request);
        string line = _process.StandardOutput.ReadLine() ?? throw Ended();
        return [.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
    }

    private static InvalidOperationException Ended() => new("a variant's process ended before its answer");
}
