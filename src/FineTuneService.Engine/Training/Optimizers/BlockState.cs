using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>
/// Optimizer state in 8 bits, as bitsandbytes keeps it: parameters of 4,096 elements and more by blocks of 256, smaller ones in fp32.
/// </summary>
internal sealed class BlockState : IDisposable
{
    /// <summary>Elements from which on a parameter's state is in 8 bits (min_8bit_size).</summary>
    public const int Smallest = 4096;

    private readonly Dictionary<string, (Tensor Values, Tensor? Absmax)> _stored = [];
    private readonly string _index;
    private readonly CodeBook _book;
    private readonly Device _device;

    /// <param name="index">1 or 2: bitsandbytes' names are state1 and absmax1.</param>
    /// <param name="device">Where it lies between steps.</param>
    public BlockState(string index, ParameterSet parameters, CodeBook book, Device device)
    {
        (_index, _book, _device) = (index, book, parameters.Values.device);
        foreach (NamedParameter parameter in parameters.Named)
        {
            bool small = parameter.Length < Smallest;
            _stored.Add(parameter.Name, (
                zeros(parameter.Shape, small ? ScalarType.Float32 : ScalarType.Byte, device).DetachFromDisposeScope(),
                small ? null : zeros([BlockCodes.Blocks(parameter.Length)], ScalarType.Float32, device).DetachFromDisposeScope()));
        }
    }

    public IEnumerable<(string Name, Tensor Value)> Named
    {
        get
        {
            foreach ((string parameter, (Tensor values, Tensor? absmax)) in _stored)
            {
                yield return ($"state{_index}.{parameter}", values);
                if (absmax is not null) yield return ($"absmax{_index}.{parameter}", absmax);
            }
        }
    }

    /// <summary>A parameter's state, on the device that the parameters lie on.</summary>
    public BlockPage In(NamedParameter parameter) => new(_stored[parameter.Name].Values, _stored[parameter.Name].Absmax, _book, _device);

    public void Dispose()
    {
        foreach ((Tensor values, Tensor? absmax) in _stored.Values)
        {
            values.Dispose();
            absmax?.Dispose();
        }
    }
}

/// <summary>One parameter's state during an update.</summary>
internal readonly struct BlockPage(Tensor stored, Tensor? absmax, CodeBook book, Device device) : IDisposable
{
    private readonly StatePage _values = new(stored, device);
    private readonly StatePage? _absmax = absmax is null ? null : new(absmax, device);

    /// <summary>Null where the parameter is small.</summary>
    public BlockCodes? Codes => _absmax is { } scales ? new BlockCodes(_values.Tensor, scales.Tensor, book) : null;

    /// <summary>fp32, where the parameter is small.</summary>
    public Tensor Values => _values.Tensor.view(-1);

    public void Dispose()
    {
        _values.Dispose();
        _absmax?.Dispose();
    }
}
