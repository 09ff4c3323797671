using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>The tape's loss and gradients of every family, against float64 and libtorch's autograd.</summary>
public sealed class FamilyGradientTests
{
    public static TheoryData<string> Cases => GoldenModel.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void Backward_EveryParameter_EqualsAutograd(string name)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, BasePrecision.Fp32);
        using var parameters = new ModelParameters(model.Config.Slots, model.Weights);
        double loss = Backward(model, GoldenModel.Rows(name), parameters, null);
        Tensor leaf = parameters.Values.to_type(ScalarType.Float64).requires_grad_();
        var views = new Dictionary<Tensor, Tensor>(ReferenceEqualityComparer.Instance);
        long offset = 0;
        foreach (Tensor weight in model.Weights.Parameters)
        {
            views.Add(weight, leaf.narrow(0, offset, weight.numel()).view(weight.shape));
            offset += weight.numel();
        }
        var reference = new ReferenceDecoder(model.Config, model.Weights, weight => views[weight], new Dictionary<string, (Tensor, Tensor)>(), 0);
        Equal(reference.Loss(GoldenModel.Rows(name)), loss, leaf, parameters, limit: 1e-4, name, "full");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Backward_LowRankOnEveryLinearLayer_EqualsAutograd(string name) => LowRank(name, BasePrecision.Fp32, 1e-4);

    private static void LowRank(string name, BasePrecision precision, double limit)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = GoldenModel.Load(name, precision);
        using Adapter adapter = GoldenModel.Adapter(model);
        using var parameters = new AdapterParameters(adapter);
        double loss = Backward(model, GoldenModel.Rows(name), parameters, adapter);
        Tensor leaf = parameters.Values.to_type(ScalarType.Float64).requires_grad_();
        Dictionary<string, Tensor> named = parameters.Named.ToDictionary(parameter => parameter.Name, parameter => parameter.In(leaf));
        var lora = adapter.Values.Parts.ToDictionary(part => part.Module, part => (named[PeftFolder.Key(part.Module, "A")], named[PeftFolder.Key(part.Module, "B")]));
        var reference = new ReferenceDecoder(model.Config, model.Weights, weight => weight.to_type(ScalarType.Float64), lora, adapter.Config.Scaling);
        Equal(reference.Loss(GoldenModel.Rows(name)), loss, leaf, parameters, limit, name, "LoRA");
    }

    /// <summary>The mean loss of the rows; their gradients are the parameters' own.</summary>
    private static double Backward(BaseModel model, int[][] rows, TrainedParameters parameters, Adapter? adapter)
    {
        using var decoder = new Decoder(model.Config, model.Weights);
        using var pool = new BufferPool(CPU);
        MicroBatch batch = MicroBatch.Of([.. rows.Select(row => new TrainingRow(row, row))]);
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

    private static void Equal(Tensor expected, double loss, Tensor leaf, TrainedParameters parameters, double limit, string name, string method)
    {
        Assert.Equal(expected.item<double>(), loss, 1e-5);
        expected.backward();
        using var scope = NewDisposeScope();
        Tensor wanted = leaf.grad!, made = parameters.GradientValues.to_type(ScalarType.Float64);
        double largest = wanted.abs().max().item<double>(), worst = 0;
        foreach (NamedParameter parameter in parameters.Named)
        {
            Tensor of = parameter.In(wanted);
            // A gradient that vanishes (of a key's bias without rotary embedding, say) is compared with the others' size.
            double size = Math.Max(of.abs().max().item<double>(), 1e-3 * largest), difference = (parameter.In(made) - of).abs().max().item<double>() / size;
            Assert.True(difference <= limit, $"{parameter.Name}: differs by {difference:E2} of the largest, at most {limit:E1}");
            worst = Math.Max(worst, difference);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"FID {name} {method} {worst:0.0e0}");
    }
}
