using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>Every family in every precision: logits, losses and gradients, against float64 and libtorch's autograd over the same stored weights.</summary>
public sealed class FamilyGradientTests
{
    private static readonly Dictionary<string, Bound> Precisions = new()
    {
        ["fp32"] = new(BasePrecision.Fp32, 1e-4, 1e-5),
        // A rounding may send a token through another expert, or a unit past its kink: then one parameter's gradient is far off, and not all.
        ["bf16"] = new(BasePrecision.Bf16, double.PositiveInfinity, 0.2),
        ["fp16"] = new(new BasePrecision(ComputeDtype.Fp16), 1e-4, 1e-5),
        ["fp4"] = new(new BasePrecision(ComputeDtype.Fp32, QuantizationType.Fp4), 1e-4, 1e-5),
        ["as_stored"] = new(new BasePrecision(ComputeDtype.Fp32, QuantizationType.AsStored), 1e-4, 1e-5),
        ["nf4"] = new(new BasePrecision(ComputeDtype.Fp32, QuantizationType.Nf4, DoubleQuantization: true), 1e-4, 1e-5),
        // LLM.int8 rounds each row of activations.
        ["int8"] = new(new BasePrecision(ComputeDtype.Fp32, QuantizationType.Int8), double.PositiveInfinity, 0.2),
    };

    public static TheoryData<string, string> Cases => new MatrixTheoryData<string, string>(GoldenModel.Names, Precisions.Keys);

    public static TheoryData<string> Names => [.. GoldenModel.Names];

    public static TheoryData<string, string> Trainable => new MatrixTheoryData<string, string>(GoldenModel.Names, ["fp32", "bf16"]);

    [Theory, MemberData(nameof(Trainable))]
    public void Backward_EveryParameter_EqualsAutograd(string name, string precision)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, Precisions[precision].Precision);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        int[][] rows = GoldenModel.Rows(name);
        double loss = Backward(model, rows, parameters, null);
        Tensor leaf = parameters.Values.to_type(ScalarType.Float64).requires_grad_();
        var views = new Dictionary<Tensor, Tensor>(ReferenceEqualityComparer.Instance);
        long offset = 0;
        foreach (Tensor weight in model.Weights.Parameters)
        {
            views.Add(weight, leaf.narrow(0, offset, weight.numel()).view(weight.shape));
            offset += weight.numel();
        }
        var reference = new ReferenceDecoder(model.Config, model.Weights, weight => views[weight]);
        Equal(reference.Loss(rows), loss, leaf, parameters, name, precision, "full training");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_LowRankOnEveryLinearLayer_EqualsAutograd(string name, string precision)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, Precisions[precision].Precision);
        using Adapter adapter = GoldenModel.Adapter(model);
        using var parameters = new AdapterParameters(adapter);
        int[][] rows = GoldenModel.Rows(name);
        double loss = Backward(model, rows, parameters, adapter);
        Tensor leaf = parameters.Values.to_type(ScalarType.Float64).requires_grad_();
        Dictionary<string, Tensor> named = parameters.Named.ToDictionary(parameter => parameter.Name, parameter => parameter.In(leaf));
        var reference = new ReferenceDecoder(model.Config, model.Weights, weight => weight.to_type(ScalarType.Float64))
        {
            Adapter = adapter.Values.Parts.ToDictionary(part => part.Module, part => (named[PeftKeys.A(part.Module)], named[PeftKeys.B(part.Module)])),
            Scaling = adapter.Config.Scaling,
        };
        Equal(reference.Loss(rows), loss, leaf, parameters, name, precision, "LoRA");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Forward_EveryPrecision_EqualsFloat64(string name, string precision)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, Precisions[precision].Precision);
        using var run = new ReferenceRun(model);
        int[][] rows = GoldenModel.Rows(name);
        Tensor made = run.Logits(rows).to_type(ScalarType.Float64);
        Tensor wanted = new ReferenceDecoder(model.Config, model.Weights, weight => weight.to_type(ScalarType.Float64)).Logits(rows);
        Record(name, precision, "logits", ((made - wanted).abs().max() / wanted.abs().max()).item<double>());
        Bounded((made - wanted).norm() / wanted.norm(), Precisions[precision].Overall, "logits");
    }

    [Theory, MemberData(nameof(Names))]
    public void Backward_PackedRows_EqualRowsOfTheirOwn(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        TrainingRow[] rows = [.. GoldenModel.Rows(name).Select(row => new TrainingRow(row, row))];
        double apart = Backward(model, MicroBatch.Of(rows), parameters, null);
        Tensor wanted = parameters.GradientValues.clone();
        parameters.GradientValues.zero_();
        double packed = Backward(model, MicroBatch.Of([Packing.Join([.. rows.Reverse()])]), parameters, null);
        Assert.Equal(apart, packed, 1e-5);
        Bounded(((parameters.GradientValues - wanted).norm() / wanted.norm()).to_type(ScalarType.Float64), 1e-5, "the gradient");
    }

    /// <summary>The mean loss of the rows; their gradients are the parameters' own.</summary>
    private static double Backward(BaseModel model, int[][] rows, TrainedParameters parameters, Adapter? adapter) =>
        Backward(model, MicroBatch.Of([.. rows.Select(row => new TrainingRow(row, row))]), parameters, adapter);

    private static double Backward(BaseModel model, MicroBatch batch, TrainedParameters parameters, Adapter? adapter)
    {
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        var tape = new Tape();
        var pass = new Pass(pool, tape)
        {
            Gradients = parameters.Gradients,
            Adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Tokens.Ids.Length)],
        };
        Activation hidden = decoder.Forward(batch.Tokens, pass);
        (Tensor sum, _) = HeadLoss.Forward(hidden, model.Weights.Head, batch.Targets, 1.0 / batch.Targets.Count, pass, decoder.LogitShape);
        tape.Backward();
        return sum.item<double>() / batch.Targets.Count;
    }

    private static void Equal(Tensor expected, double loss, Tensor leaf, TrainedParameters parameters, string name, string precision, string method)
    {
        Bound bound = Precisions[precision];
        expected.backward();
        using var scope = NewDisposeScope();
        Bounded((expected - loss).abs() / expected, bound.Overall / 2, "the loss");
        Tensor wanted = leaf.grad!, made = parameters.GradientValues.to_type(ScalarType.Float64);
        Bounded((made - wanted).norm() / wanted.norm(), bound.Overall, "the gradient");
        double largest = wanted.abs().max().item<double>(), worst = 0;
        foreach (NamedParameter parameter in parameters.Named)
        {
            Tensor of = parameter.In(wanted);
            // A gradient that vanishes (of a key's bias without rotary embedding, say) is compared with the others' size.
            Tensor difference = (parameter.In(made) - of).abs().max() / Math.Max(of.abs().max().item<double>(), 1e-3 * largest);
            Bounded(difference, bound.Largest, parameter.Name);
            worst = Math.Max(worst, difference.item<double>());
        }
        Record(name, precision, method, worst);
    }

    private static void Bounded(Tensor difference, double most, string what) =>
        Assert.True(difference.item<double>() <= most, $"{what}: differs by {difference.item<double>():E2}, at most {most:E1}");

    private static void Record(string name, string precision, string what, double difference) => Fidelity.Measured("families", name, $"{precision} {what}", difference);

    /// <param name="Largest">What one parameter's gradient may differ by, of its largest element.</param>
    /// <param name="Overall">What logits, and all gradients together, may differ by, of their norm.</param>
    private sealed record Bound(BasePrecision Precision, double Largest, double Overall);
}
