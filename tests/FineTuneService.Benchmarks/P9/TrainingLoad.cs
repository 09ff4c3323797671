using FineTuneService.Device;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;

namespace FineTuneService.Benchmarks.P9;

/// <summary>A QLoRA job that holds the device's lease and offers it between decoder blocks, as the service's worker does.</summary>
internal sealed class TrainingLoad : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("p9-");
    private readonly Task _job;
    private readonly List<double> _steps = [];
    private volatile bool _stop;

    public TrainingLoad(DeviceLease lease, BaseModel model)
    {
        var config = new TrainingConfig { Lora = new LoraConfig { Rank = 8, Alpha = 16 }, MicroBatchSize = 4, Epochs = 1000 };
        _job = lease.Train("job", () =>
        {
            using var trainer = new Trainer(model, config, SmolShape.Rows(count: 64, length: 256), null, _folder.FullName);
            using (trainer.Adapter) return trainer.Run(Happened, () => _stop, lease.Offer);
        });
    }

    /// <summary>Waits for steps that have buffers and caches warm.</summary>
    public void WarmUp() => Wait(2);

    /// <summary>Median seconds of the next steps, whatever else goes on.</summary>
    public double StepSeconds(int steps)
    {
        int before = Count();
        Wait(before + steps);
        lock (_steps) return Samples.Median(_steps[before..]);
    }

    /// <summary>Median seconds of the steps that ended while something was done; infinite where none did.</summary>
    public double StepSecondsDuring(Action action)
    {
        int before = Count();
        action();
        int after = Count();
        lock (_steps) return after == before ? double.PositiveInfinity : Samples.Median(_steps[before..after]);
    }

    public void Dispose()
    {
        _stop = true;
        _job.Wait();
        _folder.Delete(recursive: true);
    }

    private void Happened(TrainingEvent happened)
    {
        if (happened is not StepFinished step) return;
        lock (_steps) _steps.Add(step.Duration.TotalSeconds);
    }

    private int Count()
    {
        lock (_steps) return _steps.Count;
    }

    private void Wait(int steps)
    {
        while (Count() < steps)
        {
            if (_job.IsFaulted) _job.Wait();
            Thread.Sleep(20);
        }
    }
}
