using System.Buffers;

using Microsoft.AspNetCore.Connections;

namespace OrleansInference.AspNetCore;

/// <summary>
/// The blocks that connections read into and write from, larger than the server's own of 4 KiB: a picture's tensor of 600 KB would come in
/// 150 of those, each with a call to the system of its own. A connection holds a block only while bytes are on their way.
/// </summary>
internal sealed class ConnectionMemory : IMemoryPoolFactory<byte>
{
    public const int BlockSize = 32 * 1024;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool();

    private sealed class Pool : MemoryPool<byte>
    {
        public override int MaxBufferSize => BlockSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
            return Shared.Rent(BlockSize);
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
