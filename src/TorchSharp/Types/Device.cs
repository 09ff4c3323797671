using System.Globalization;

namespace TorchSharp;

public static partial class torch
{
    public static readonly Device CPU = new(DeviceType.CPU);
    public static readonly Device META = new(DeviceType.META);

    /// <summary>The current CUDA device.</summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">This libtorch or machine has no CUDA.</exception>
    public static Device CUDA => InitializeDevice(new Device(DeviceType.CUDA));

    public static Device device(string description) => InitializeDevice(new Device(description));

    public static Device device(string deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));

    public static Device device(DeviceType deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));

    public static Device device(int index) => new(DeviceType.CUDA, index);

    public static Device InitializeDevice(Device? device)
    {
        device ??= CPU;
        InitializeDeviceType(device.type);
        return device;
    }

    /// <summary>Readies a kind of device.</summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">There is none of that kind.</exception>
    public static void InitializeDeviceType(DeviceType deviceType) => Native.Check(Native.torch_init_device((int)deviceType));

    public static bool TryInitializeDeviceType(DeviceType deviceType) => Native.torch_init_device((int)deviceType) >= 0;

    /// <summary>Where a tensor lies: "cpu", "cuda" (the current one) or "cuda:1".</summary>
    public class Device
    {
        public Device(string description)
        {
            var parts = description.Split(':');
            type = Enum.Parse<DeviceType>(parts[0], ignoreCase: true);
            index = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : -1;
        }

        public Device(string deviceType, int index = -1) : this(Enum.Parse<DeviceType>(deviceType, ignoreCase: true), index)
        {
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public Device(int index) : this(DeviceType.CUDA, index)
        {
        }

        public DeviceType type { get; }

        /// <summary>Which one of its type; -1 for the current one.</summary>
        public int index { get; }

        public static implicit operator Device(string description) => new(description);

        public override string ToString()
        {
            var name = type.ToString().ToLowerInvariant();
            return type == DeviceType.CPU || index < 0 ? name : $"{name}:{index}";
        }
    }
}
