using FineTuneService.Eager;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Benchmarks.P1;

/// <summary>The step written eagerly over libtorch's autograd: forward, backward, clip_grad_norm_, and AdamW a parameter at a time.</summary>
internal sealed class EagerVariant : IVariant
{
    private readonly EagerDecoder _decoder;
    private readonly Tensor _ids;
    private readonly List<Parameter> _parameters = [];
    private int _steps;

    public EagerVariant(BaseModel model, Adapter adapter)
    {
        IReadOnlyList<TrainingRow> rows = Workload.Batch();
        _ids = tensor(rows.SelectMany(row => row.Ids).Select(id => (long)id).ToArray()).view(rows.Count, -1);
        var byModule = new Dictionary<string, (Tensor, Tensor)>();
        foreach (JoinedLoraPart part in adapter.Values.Parts) byModule.Add(part.Module, (Train(part.A), Train(part.B)));
        _decoder = new EagerDecoder(model.Config, model.Weights, byModule, adapter.Config.Scaling);
    }

    public double Step()
    {
        using var scope = NewDisposeScope();
        Tensor loss = _decoder.Loss(_ids);
        loss.backward();
        using (no_grad())
        {
            Clip(Workload.Training.MaxGradNorm!.Value);
            _steps++;
            foreach (Parameter parameter in _parameters) Update(parameter, Workload.Training);
        }
        return loss.item<float>();
    }

    public void Dispose()
    {
        _ids.Dispose();
        foreach (Parameter parameter in _parameters) parameter.Dispose();
    }

    private Tensor Train(Tensor initial)
    {
        var parameter = new Parameter(initial.clone().requires_grad_(), initial.zeros_like(), initial.zeros_like());
        _parameters.Add(parameter);
        return parameter.Value;
    }

    private void Clip(double limit)
    {
        Tensor norm = stack(_parameters.Select(parameter => parameter.Value.grad!.norm())).norm();
        Tensor factor = (limit / (norm + 1e-6)).clamp(max: 1);
        foreach (Parameter parameter in _parameters) parameter.Value.grad!.mul_(factor);
    }

    private void Update(Parameter parameter, TrainingConfig config)
    {
        using var scope = NewDisposeScope();
        Tensor gradient = parameter.Value.grad!;
        if (config.Optimizer.WeightDecay != 0) parameter.Value.mul_(1 - config.LearningRate * config.Optimizer.WeightDecay);
        parameter.Mean.mul_(config.Optimizer.Beta1).add_(gradient, 1 - config.Optimizer.Beta1);
        parameter.MeanSquare.mul_(config.Optimizer.Beta2).addcmul_(gradient, gradient, 1 - config.Optimizer.Beta2);
        double correction = Math.Sqrt(1 - Math.Pow(config.Optimizer.Beta2, _steps));
        Tensor denominator = parameter.MeanSquare.sqrt().div_(correction).add_(config.Optimizer.Epsilon);
        parameter.Value.addcdiv_(parameter.Mean, denominator, -config.LearningRate / (1 - Math.Pow(config.Optimizer.Beta1, _steps)));
        parameter.Value.grad = null;
    }

    /// <summary>A trained matrix and AdamW's state of it.</summary>
    private sealed record Parameter(Tensor Value, Tensor Mean, Tensor MeanSquare) : IDisposable
    {
        public void Dispose()
        {
            Value.Dispose();
            Mean.Dispose();
            MeanSquare.Dispose();
        }
    }
}
