using System.Buffers;

namespace OrleansInference.AspNetCore.Tests;

public sealed class ConnectionMemoryTests
{
    [Fact]
    public void Connections_get_blocks_of_one_size_however_little_they_ask_for()
    {
        using MemoryPool<byte> pool = new ConnectionMemory().Create();

        using var block = pool.Rent(1);

        Assert.Equal(ConnectionMemory.BlockSize, block.Memory.Length);
        Assert.Equal(ConnectionMemory.BlockSize, pool.MaxBufferSize);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(ConnectionMemory.BlockSize + 1));
    }
}
